package factom

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"parley/addr"
	"parley/dialect"
)

const testNetwork = 0x29cb7175 // "myNetwork"

func mustNew(t testing.TB, cfg Config) *Dialect {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustAddr(t testing.TB, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// opened is what one side of an opening exchange came to.
type opened struct {
	link *dialect.Link
	err  error
}

// opening returns what a side that listens on port knows.
func opening(t testing.TB, dialing bool, remote string, port uint16, nonce uint64) *dialect.Opening {
	return &dialect.Opening{
		Dialing: dialing,
		Remote:  mustAddr(t, remote),
		Self:    dialect.Self{Network: testNetwork, Nonce: nonce, Listen: addr.Addr{Port: port}},
		Admit:   func(dialect.Intro) error { return nil },
	}
}

// openPair opens two dialects against each other over a pipe.
func openPair(dialer, listener *Dialect, do, lo *dialect.Opening) (d, l opened) {
	a, b := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		l.link, l.err = listener.Open(b, lo)
		b.Close()
	})
	d.link, d.err = dialer.Open(a, do)
	a.Close()
	wg.Wait()
	return d, l
}

// TestNegotiation goes through the table of factom-p2p 1.13: which version two
// nodes end up with.
func TestNegotiation(t *testing.T) {
	for _, c := range []struct{ dials, listens, want uint16 }{
		{9, 9, 9}, {9, 10, 9}, {9, 11, 9},
		{10, 9, 9}, {10, 10, 10}, {10, 11, 10},
		{11, 9, 11}, {11, 10, 11}, {11, 11, 11},
	} {
		d, l := openPair(
			mustNew(t, Config{Version: c.dials, NodeID: 0xcafe}), mustNew(t, Config{Version: c.listens, NodeID: 0xbeef}),
			opening(t, true, "10.0.0.2:8108", 1111, 1), opening(t, false, "10.0.0.1:50000", 8108, 2))
		if d.err != nil || l.err != nil {
			t.Errorf("%d dials %d: %v, %v", c.dials, c.listens, d.err, l.err)
			continue
		}
		if d.link.Intro.Version != uint32(c.want) || l.link.Intro.Version != uint32(c.want) {
			t.Errorf("%d dials %d: versions %d and %d, want %d", c.dials, c.listens, d.link.Intro.Version, l.link.Intro.Version, c.want)
		}
		if id := d.link.Intro.ID; id != "10.0.0.2:8108 0000beef" {
			t.Errorf("dialer calls its peer %q", id)
		}
		if id := l.link.Intro.ID; id != "10.0.0.1:1111 0000cafe" {
			t.Errorf("listener calls its peer %q", id)
		}
		exchangeMessages(t, d.link, l.link)
		exchangeMessages(t, l.link, d.link)
	}
}

// exchangeMessages sends messages over a fresh link, prelude first.
func exchangeMessages(t *testing.T, from, to *dialect.Link) {
	t.Helper()
	stream := append([]byte(nil), from.Prelude...)
	bodies := []string{"x", "a longer message", string(make([]byte, 70000))}
	for _, b := range bodies {
		var err error
		if stream, err = from.Encoder.Append(stream, dialect.Message{Type: TypeMessage, For: dialect.ToApp, Body: []byte(b)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := decodeAll(to.Decoder, stream)
	if err != nil || len(got) != len(bodies) {
		t.Fatalf("%d messages and %v, want %d", len(got), err, len(bodies))
	}
	for i, m := range got {
		if m.Type != TypeMessage || m.For != dialect.ToApp || string(m.Body) != bodies[i] {
			t.Errorf("message %d arrived as type %d for %d with %d bytes", i, m.Type, m.For, len(m.Body))
		}
	}
}

// decodeAll decodes a whole stream and returns the messages that are for somebody.
func decodeAll(d dialect.Decoder, stream []byte) (ms []dialect.Message, err error) {
	for len(stream) > 0 {
		m, n, err := d.Next(stream)
		if err != nil {
			return ms, err
		}
		if n > len(stream) {
			return ms, io.ErrUnexpectedEOF
		}
		if n <= 0 {
			return ms, errors.New("nothing was taken")
		}
		stream = stream[n:]
		if m.For != 0 {
			ms = append(ms, m.Clone())
		}
	}
	return ms, nil
}
