package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/route"
)

// opener is bare with an opening exchange of its own.
type opener struct {
	bare
	open func(rw io.ReadWriter, o *dialect.Opening) error
}

func (d opener) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	if err := d.open(rw, o); err != nil {
		return nil, err
	}
	return d.bare.Open(rw, o)
}

// openings connects two nodes of a dialect and returns the lines of the trace
// that say how their links ended.
func openings(t *testing.T, open func(rw io.ReadWriter, o *dialect.Opening) error) []string {
	t.Helper()
	w := newWorld(t, 1)
	w.Path = fixed(Path{Delay: 10 * time.Millisecond})
	d := opener{open: open}
	a, b := w.Add(place(0), d, core.Config{Outbound: -1}), w.Add(place(1), d, core.Config{Outbound: -1})
	if _, err := w.Connect(a, b); err != nil {
		t.Fatal(err)
	}
	run(t, w, time.Minute)
	var got []string
	for line := range strings.Lines(w.Trace.(*tail).String()) {
		if strings.Contains(line, " closed: ") || strings.Contains(line, " ended: ") || strings.Contains(line, " opened") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	return got
}

func TestOpenings(t *testing.T) {
	read := func(rw io.Reader, n int) error {
		_, err := io.ReadFull(rw, make([]byte, n))
		return err
	}
	for _, c := range []struct {
		name string
		open func(rw io.ReadWriter, o *dialect.Opening) error
		want []string
	}{
		{"silence ends both", func(rw io.ReadWriter, o *dialect.Opening) error { return read(rw, 1) },
			[]string{
				"10.000000000 21.0.0.1:8108 link 1 closed: open: opening exchange took too long",
				"10.000000000 20.0.0.1:8108 link 1 closed: open: opening exchange took too long",
			}},
		{"the dialer gives up", func(rw io.ReadWriter, o *dialect.Opening) error {
			if o.Dialing {
				return errors.New("no")
			}
			return read(rw, 1)
		}, []string{
			"0.000000000 20.0.0.1:8108 link 1 closed: open: no",
			"0.010000000 21.0.0.1:8108 link 1 closed: open: EOF",
		}},
		{"too many bytes", func(rw io.ReadWriter, o *dialect.Opening) error {
			if o.Dialing {
				rw.Write(make([]byte, openBytes+1))
			}
			return read(rw, openBytes+1)
		}, []string{
			"0.010000000 21.0.0.1:8108 link 1 closed: open: more bytes than an opening exchange may take: limit 65536",
			"0.020000000 20.0.0.1:8108 link 1 closed: open: EOF",
		}},
		{"as many bytes as may be", func(rw io.ReadWriter, o *dialect.Opening) error {
			rw.Write(make([]byte, openBytes))
			return read(rw, openBytes)
		}, []string{
			"0.010000000 20.0.0.1:8108 link 1 opened",
			"0.010000000 21.0.0.1:8108 link 1 opened",
		}},
		{"a refusal", func(rw io.ReadWriter, o *dialect.Opening) error {
			if o.Dialing {
				return nil
			}
			return &dialect.Refusal{Reason: "full"}
		}, []string{
			"0.000000000 21.0.0.1:8108 link 1 closed: open: refused: full",
			"0.000000000 20.0.0.1:8108 link 1 opened",
			"0.010000000 20.0.0.1:8108 link 1 ended: read: EOF",
		}},
	} {
		wantLog(t, c.name, openings(t, c.open), c.want...)
	}
}

func TestBlameOfOpenings(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Kind
	}{
		{errors.New("something"), fault.IO},
		{io.ErrUnexpectedEOF, fault.IO},
		{fault.New(fault.Protocol, "open", errors.New("garbage")), fault.Protocol},
		{&dialect.Refusal{Reason: "full"}, fault.Refused},
		{fmt.Errorf("hello: %w", dialect.ErrSelf), fault.Local},
	} {
		k := &coro{left: 1, fault: c.err}
		if got := fault.KindOf(k.blame()); got != c.want {
			t.Errorf("%v is a fault of kind %v, want %v", c.err, got, c.want)
		}
	}
}

// TestOpeningIsTold checks what an opening exchange knows, and that its dice
// are the world's.
func TestOpeningIsTold(t *testing.T) {
	told := func(seed uint64) (got []string) {
		w := newWorld(t, seed)
		w.Path = fixed(Path{Delay: 10 * time.Millisecond})
		d := opener{open: func(rw io.ReadWriter, o *dialect.Opening) error {
			var b [4]byte
			if _, err := o.Rand.Read(b[:]); err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%v %v %v %s %d %v %x", o.Now.Sub(epoch), o.Dialing, o.Remote, o.Self.Agent, o.Self.Network, o.Self.Listen, b))
			return nil
		}}
		b := w.AddNode(Spec{Addr: place(1), Dialect: d, Self: dialect.Self{Network: 9, Agent: "b"}, Core: core.Config{Outbound: -1}})
		w.AddNode(Spec{Addr: place(0), Dialect: d, Self: dialect.Self{Agent: "a", Listen: addr.Addr{Port: 5}}, Seeds: []addr.Addr{b.Addr()}})
		run(t, w, time.Second)
		return got
	}
	got := told(1)
	if len(got) != 2 || !strings.HasPrefix(got[0], "20ms true 21.0.0.1:8108 a 0 :5 ") ||
		!strings.HasPrefix(got[1], "30ms false 20.0.0.1:49152 b 9 21.0.0.1:8108 ") {
		t.Errorf("openings were told %q", got)
	}
	wantLog(t, "one seed, the same dice", told(1), got...)
	if other := told(2); other[0] == got[0] {
		t.Error("another seed has the same dice")
	}
}

// TestSelfDial has a node know its own address: the dialect notices.
func TestSelfDial(t *testing.T) {
	w := newWorld(t, 1)
	d := opener{open: func(rw io.ReadWriter, o *dialect.Opening) error {
		if _, err := fmt.Fprintf(rw, "%016x", o.Self.Nonce); err != nil {
			return err
		}
		var b [16]byte
		if _, err := io.ReadFull(rw, b[:]); err != nil {
			return err
		}
		if string(b[:]) == fmt.Sprintf("%016x", o.Self.Nonce) {
			return dialect.ErrSelf
		}
		return nil
	}}
	n := w.Add(place(0), d, core.Config{})
	w.Alias(place(3), n)
	n.Do(func(c *core.Node, now time.Time, e *core.Effects) { c.Learn(now, []addr.Addr{place(3)}, e) })
	run(t, w, time.Minute)
	if text := w.Trace.(*tail).String(); !strings.Contains(text, "closed: open: "+dialect.ErrSelf.Error()) || n.Degree() != 0 {
		t.Errorf("node has %d links, trace:\n%s", n.Degree(), text)
	}
}

// TestRestOfOpening sends messages in one write with the end of the exchange.
func TestRestOfOpening(t *testing.T) {
	w := newWorld(t, 1)
	w.Path = fixed(Path{Delay: 10 * time.Millisecond})
	d := opener{open: func(rw io.ReadWriter, o *dialect.Opening) error {
		if !o.Dialing {
			_, err := io.ReadFull(rw, make([]byte, 5))
			return err
		}
		b := []byte("hello")
		b, _ = bare{}.Append(b, dialect.Message{Body: []byte("first message")})
		b, _ = bare{}.Append(b, dialect.Message{Body: []byte("second message")})
		_, err := rw.Write(b[:len(b)-3])
		if err == nil {
			_, err = rw.Write(b[len(b)-3:])
		}
		return err
	}}
	a, b := w.Add(place(0), d, core.Config{Outbound: -1}), w.Add(place(1), d, core.Config{Outbound: -1})
	log := arrivals(b)
	if _, err := w.Connect(a, b); err != nil {
		t.Fatal(err)
	}
	run(t, w, time.Second)
	wantLog(t, "bytes after the exchange are messages", *log, "10ms first me", "10ms second m")
}

// TestConnectRefused bans a node: the other end hears of it.
func TestConnectRefused(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.Add(place(0), bare{}, core.Config{Outbound: -1}), w.Add(place(1), bare{}, core.Config{Outbound: -1})
	b.Do(func(c *core.Node, now time.Time, e *core.Effects) {
		c.Ban(now, core.Ban{Addr: a.Addr().HostOnly(), Until: now.Add(time.Hour)}, e)
	})
	for _, pair := range [][2]*Node{{a, b}, {b, a}} {
		if _, err := w.Connect(pair[0], pair[1]); fault.KindOf(err) != fault.Refused {
			t.Errorf("connecting said %v, want a refusal", err)
		}
		run(t, w, time.Second)
		if err := sound(w); err != nil {
			t.Error(err)
		}
	}
	if k := len(w.conns.spare); k != int(w.conns.made) {
		t.Errorf("%d of %d connections are free, want all", k, w.conns.made)
	}
}

// packer is bare with an encoder that writes short messages before long ones.
type packer struct {
	bare
	long, short [][]byte
}

func (p *packer) Put(m dialect.Message) error {
	b, err := p.Append(nil, m)
	switch {
	case err != nil:
	case len(b) > 100:
		p.long = append(p.long, b)
	default:
		p.short = append(p.short, b)
	}
	return err
}

func (p *packer) Pack(dst []byte, _ int) ([]byte, bool, error) {
	for _, q := range []*[][]byte{&p.short, &p.long} {
		if len(*q) > 0 {
			dst, *q = append(dst, (*q)[0]...), (*q)[1:]
			break
		}
	}
	return dst, len(p.short)+len(p.long) > 0, nil
}

type choosy struct{ bare }

func (d choosy) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	l, err := d.bare.Open(rw, o)
	if err == nil {
		l.Encoder, l.Shared = &packer{}, ""
	}
	return l, err
}

func TestPackerChooses(t *testing.T) {
	var sent []string
	w, a, b := pair(t, Path{Bandwidth: 1000}, Spec{Dialect: choosy{bare{log: &sent}}})
	got := arrivals(b)
	send(a, "L1"+strings.Repeat(".", 194))
	send(a, "L2"+strings.Repeat(".", 194))
	send(a, "S1"+strings.Repeat(".", 94))
	a.Broadcast(dialect.Message{For: dialect.ToSession, Type: 5, Body: bytes.Repeat([]byte("S2"), 48)}, route.All(), 0)
	run(t, w, time.Minute)
	wantLog(t, "short messages overtake those that wait", *got,
		"1.2s L1......", "1.3s S1......", "1.4s S2S2S2S2", "1.6s L2......")
	wantLog(t, "the session hears of what was marked once all is written", sent, `1.6s sent 1 ""`)
}
