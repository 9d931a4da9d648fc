package gobwire_test

import (
	"fmt"

	"parley/dialect/factom/gobwire"
)

// A stream of one version 10 parcel, written and read.
func Example() {
	stream := gobwire.Go126.DefineShort(nil)
	stream = gobwire.Go126.AppendShort(stream, 6, len("hello"))
	stream = append(append(stream, "hello"...), 0)

	var types gobwire.Types
	for len(stream) > 0 {
		head, size, err := gobwire.Size(stream)
		if err != nil {
			fmt.Println(err)
			return
		}
		end := head + int(size) // of a stranger's stream, check size first
		var p gobwire.Short
		if ok, err := types.Short(stream[head:end], &p); err != nil {
			fmt.Println(err)
		} else if ok {
			fmt.Printf("type %d: %s\n", p.Type, p.Payload)
		}
		stream = stream[end:]
	}
	// Output: type 6: hello
}
