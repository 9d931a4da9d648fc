// Command peers measures what else there is to send messages with, in one run
// with the engine: the peers of other networks, and libraries that one would take
// for a network of one's own.
package main

import (
	"fmt"
	"os"

	"parley/bench"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run says what is measured and on what.
func run() error {
	_, err := fmt.Printf("%+v\n", bench.ThisMachine())
	return err
}
