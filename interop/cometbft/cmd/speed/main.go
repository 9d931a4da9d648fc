// Command speed prints how fast links of ours are beside those of the CometBFT in
// this module, and beside the cipher that both are bound by.
package main

import (
	"os"

	"parley/interop/cometbft/speed"
)

func main() { os.Exit(speed.Main(os.Args[1:])) }
