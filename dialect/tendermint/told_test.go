package tendermint

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parley/dialect"
	"parley/fault"
)

// Who is at an address that a peer told must be who it said, once: whoever told may
// have been wrong, and it is not for him to keep us from anybody.
func TestToldIdentity(t *testing.T) {
	s := newStage(t, mustNew(t, Config{Peers: []NetAddress{{peerID(3), peerAddr(3)}}}))
	s.join(1, true)
	s.tell(1, NetAddress{peerID(2), peerAddr(2)}, NetAddress{peerID(7), peerAddr(3)}, NetAddress{peerID(8), peerAddr(4)})
	s.view.Wanted = 0
	s.want("who was told of", s.join(2, true), "")
	s.want("one who was known before it was told that he is another", s.join(3, true), "")

	in := dialect.Intro{ID: peerID(4), Info: &Peer{Dialed: true, at: peerAddr(4), NodeInfo: &NodeInfo{Channels: []byte{0}}}}
	var out dialect.Out
	s.r.Join(s.now, 4, in, &out)
	if len(out.End) != 1 || !errors.Is(out.End[0].Why, fault.Refused) || len(out.Send) > 0 {
		t.Fatalf("another than was told of: %+v", out)
	}
	if text := out.End[0].Why.Error(); !strings.Contains(text, peerID(4)) || !strings.Contains(text, peerID(8)) {
		t.Errorf("the end does not say who is there and who was to be: %s", text)
	}
	s.want("the same, met once", s.join(4, true), "")

	s.want("one who dials in is not where anybody was to be", func() string {
		s.view.Wanted = 1
		s.after(time.Minute)
		s.tell(1, NetAddress{peerID(9), peerAddr(5)})
		s.view.Wanted = 0
		return s.join(5, false)
	}(), "")
}

// Identities that are told take no more memory than those that are met, and none of
// their places.
func TestToldIdentitiesAreBounded(t *testing.T) {
	s := newStage(t, mustNew(t, Config{}))
	s.r.met.put(peerAddr(1), peerID(1))
	var out dialect.Out
	for i := range 2 * maxIDs {
		s.r.learn(1, []NetAddress{{peerID(i), peerAddr(i)}}, &out)
	}
	if n := len(s.r.told.ids); n != maxIDs || len(s.r.met.ids) != 1 {
		t.Errorf("%d told and %d met are remembered, want %d and 1", n, len(s.r.met.ids), maxIDs)
	}
}

// What an address book says is believed as what a peer tells: once.
func TestToldByABook(t *testing.T) {
	s := newStage(t, mustNew(t, Config{Told: []NetAddress{{peerID(8), peerAddr(4)}, {peerID(5), peerAddr(5)}}}))
	s.view.Wanted = 0
	s.want("who is in the book", s.join(5, true), "")
	in := dialect.Intro{ID: peerID(4), Info: &Peer{Dialed: true, at: peerAddr(4), NodeInfo: &NodeInfo{Channels: []byte{0}}}}
	var out dialect.Out
	s.r.Join(s.now, 4, in, &out)
	if len(out.End) != 1 || !errors.Is(out.End[0].Why, fault.Refused) {
		t.Errorf("another than is in the book: %+v", out)
	}
	if _, err := New(Config{Key: testKey(1), Network: "test", Told: []NetAddress{{"x", peerAddr(1)}}}); err == nil || !strings.Contains(err.Error(), "told of x@") {
		t.Errorf("an identity that is none: %v", err)
	}
}
