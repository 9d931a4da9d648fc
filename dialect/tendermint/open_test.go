package tendermint

import (
	"errors"
	"strings"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// Who is to be at an address is checked before we say who we are.
func TestExpectedPeer(t *testing.T) {
	listener := mustNew(t, Config{Key: testKey(2), Channels: testChannels})
	at := mustParse(t, "192.0.2.2:26656")
	for _, right := range []bool{true, false} {
		want := NetAddress{listener.ID(), at}
		if !right {
			want.ID = strings.Repeat("b", 40)
		}
		x, y := openPair(mustNew(t, Config{Channels: testChannels, Peers: []NetAddress{want}}), listener,
			opening(t, true, at.String(), 1), opening(t, false, "192.0.2.1:50000", 2))
		if right && (x.err != nil || y.err != nil) {
			t.Errorf("who was expected is refused: %v, %v", x.err, y.err)
		}
		if !right && (!errors.Is(x.err, fault.Refused) || y.err == nil) {
			t.Errorf("who was not expected: %v, %v", x.err, y.err)
		}
	}
}

// What both sides learn of each other.
func TestIntro(t *testing.T) {
	a := mustNew(t, Config{Channels: testChannels, Version: "1.2.3", Moniker: "alice", App: 7})
	b := mustNew(t, Config{Channels: testChannels, Key: testKey(2)})
	x, y := opening(t, true, "192.0.2.2:26656", 1), opening(t, false, "192.0.2.1:50000", 2)
	x.Self.Listen = mustParse(t, "host.example:7000")
	y.Self.Agent = "agent/1"
	d, l := openPair(a, b, x, y)
	if d.err != nil || l.err != nil {
		t.Fatal(d.err, l.err)
	}
	in := l.link.Intro
	p := in.Info.(*Peer)
	if in.ID != a.ID() || in.Agent != "1.2.3" || in.Version != 11 || in.Listen.String() != "192.0.2.1:7000" {
		t.Errorf("the listener met %+v", in)
	}
	if in.Listen.Host != "" {
		t.Errorf("a name that a stranger gave is believed: %v", in.Listen)
	}
	if p.Dialed || p.NodeInfo.Moniker != "alice" || p.NodeInfo.App != 7 || p.NodeInfo.ListenAddr != "tcp://host.example:7000" || ID(p.Key) != a.ID() {
		t.Errorf("the listener met %+v", p)
	}
	if in := d.link.Intro; in.Agent != "agent/1" || !in.Info.(*Peer).Dialed || in.Info.(*Peer).at != x.Remote {
		t.Errorf("the dialer met %+v", in)
	}
	y.Self = dialect.Self{}
	if n := b.introduce(y.Self); n.ListenAddr != "tcp://0.0.0.0:0" || n.Version != "parley" {
		t.Errorf("a node that knows nothing of itself says %+v", n)
	}
}

// A node that connects to itself finds out by its key, whichever half notices.
func TestSelf(t *testing.T) {
	d := mustNew(t, Config{Channels: testChannels})
	x, y := openPair(d, d, opening(t, true, "192.0.2.2:1", 1), opening(t, false, "192.0.2.1:2", 2))
	if !errors.Is(x.err, dialect.ErrSelf) || y.err == nil {
		t.Errorf("ends with %v and %v", x.err, y.err)
	}
}

// In 2014 a link opens without a word, unless the node itself objects.
func TestOpen2014(t *testing.T) {
	d := mustNew2014(t, Config2014{Channels: testChannels})
	s := &script{}
	o := opening(t, true, "192.0.2.2:1", 1)
	l, err := d.Open(s, o)
	if err != nil || s.wrote.Len() > 0 || l.Intro.Listen != o.Remote || l.Intro.ID != "" || d.ID() != "" || d.Name() != "tendermint2014" {
		t.Errorf("opens with %+v and %v", l, err)
	}
	full := &dialect.Refusal{Reason: "full"}
	o.Admit = func(dialect.Intro) error { return full }
	if _, err := d.Open(s, o); !errors.Is(err, full) || !errors.Is(err, fault.Refused) {
		t.Errorf("a node that is full says %v", err)
	}
	o.Admit = func(dialect.Intro) error { return errTest }
	if _, err := d.Open(s, o); !errors.Is(err, errTest) {
		t.Errorf("a node that stops says %v", err)
	}
}
