package wire_test

import (
	"fmt"

	"parley/wire"
)

// A record of two numbers and a name of at most ten bytes, with one check at
// its end.
func Example() {
	r := wire.NewReader([]byte{0x12, 0x34, 0xac, 0x02, 5, 'h', 'e', 'l', 'l', 'o'})
	a, b, name := r.Uint16(), r.Uvarint(), r.Bytes("name", 10)
	if err := r.End(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%#x %d %s\n", a, b, name)

	r = wire.NewReader([]byte{200, 1})
	r.Bytes("name", 10)
	fmt.Println(r.End())
	// Output:
	// 0x1234 300 hello
	// name: 200, limit 10: over the limit
}
