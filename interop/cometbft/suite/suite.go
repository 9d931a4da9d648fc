package suite

import (
	"io/fs"
	"testing"
)

// Run tells every story. The vectors are what was recorded of theirs.
func Run(t *testing.T, vectors fs.FS) {
	for _, s := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Handshake", handshake},
		{"NodeInfo", func(t *testing.T) { nodeInfo(t, vectors) }},
		{"Messages", messages},
		{"Pings", pings},
		{"PEX", peerExchange},
		{"SimultaneousDial", simultaneousDial},
		{"TheyStopUs", theyStopUs},
		{"WrongIdentity", wrongIdentity},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}
