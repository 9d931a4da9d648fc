// Package freeport finds ports for tests of what has to be told one by number. All
// others listen at port 0 and ask which they got.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports that systems give to who does not ask for one by number begin at 32768 or
// above (RFC 6335, 6, has them begin at 49152). One of those could be somebody else's
// by the time it is used.
const (
	first = 10_000
	last  = 29_999
)

const tries = 100

// Find returns a TCP port of 127.0.0.1 that nobody listens at, from 10000 to 29999,
// as text. It is random, so that tests which run at the same time do not find the
// same. It is an error if a hundred in a row are taken. Any goroutine may call it.
func Find() (string, error) {
	var taken error
	for range tries {
		port := strconv.Itoa(first + rand.IntN(last-first+1))
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			return port, ln.Close()
		}
		taken = err
	}
	return "", fmt.Errorf("none of %d ports is free: %w", tries, taken)
}
