package tendermint

import (
	"strings"
	"testing"
	"time"

	"parley/addr"
)

// A seed stays with those that its configuration names, whoever dialed.
func TestSeedKeeps(t *testing.T) {
	s := newStage(t, mustNew(t, Config{
		Seed: true, Ping: time.Hour,
		Keep: []NetAddress{{ID: peerID(1)}, {Addr: peerAddr(2)}, {peerID(3), peerAddr(9)}},
	}))
	s.view.Wanted = 0
	s.view.Known = []addr.Addr{peerAddr(7)}
	s.r.met.put(peerAddr(7), peerID(7))
	s.join(1, true)
	s.want("one it dialed has answered", s.tell(1, NetAddress{peerID(9), peerAddr(9)}), "learn 1, note 1 of 1")
	s.join(2, false)
	s.want("one that dialed is answered", s.ask(2), "tell 1 2")
	s.join(3, true)
	if got := s.after(2 * seedTime); strings.Contains(got, "end") {
		t.Errorf("it hangs up: %s", got)
	}
	s.join(9, false)
	if got := s.after(seedTime); !strings.HasSuffix(got, "end 9 none") {
		t.Errorf("with another at the address of one with an identity it stays: %s", got)
	}
	if _, err := New(Config{Key: testKey(1), Network: "x", Keep: []NetAddress{{ID: "short"}}}); err == nil {
		t.Error("an identity that is none is accepted")
	}
}
