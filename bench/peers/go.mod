module parley/bench/peers

go 1.26.0

require parley v0.0.0

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace parley => ../..
