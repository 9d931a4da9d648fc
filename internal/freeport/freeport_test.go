package freeport

import (
	"net"
	"strconv"
	"testing"
)

// TestFind listens at every port that it finds, and wants others all the while.
func TestFind(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		port, err := Find()
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if n, err := strconv.Atoi(port); err != nil || n < first || n > last || seen[port] {
			t.Errorf("port %q, want one of its own from %d to %d", port, first, last)
		}
		seen[port] = true
	}
}
