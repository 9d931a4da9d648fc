package factom

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
)

// script is a connection to somebody who has already said all they will say.
type script struct {
	in  []byte
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) { return s.out.Write(p) }

// play opens one side of a recording against what the other side wrote in it.
// The settings are those of the recorded node of that side.
func (r *recording) play(t testing.TB, side string, admit error) (*dialect.Link, *script, error) {
	t.Helper()
	n := r.node(t, side)
	from := toDialer
	if side == "listener" {
		from = toListener
	}
	s := &script{in: r.stream(t, from)}
	d := mustNew(t, Config{Version: n.Version, MinVersion: n.Minimum, NodeID: number[uint32](t, n.NodeID)})
	o := opening(t, side == "dialer", "127.0.0.1:28108", 0, number[uint64](t, n.Nonce))
	o.Self.Network = number[uint32](t, n.Network)
	port, err := parsePort(n.Port)
	if err != nil {
		t.Fatal(err)
	}
	o.Self.Listen = addr.Addr{Port: port}
	o.Admit = func(dialect.Intro) error { return admit }
	l, err := d.Open(s, o)
	return l, s, err
}

// fakeView is a node as rules see it, with every answer in a field.
type fakeView struct {
	share   []addr.Addr
	links   []dialect.LinkID
	in, out map[dialect.LinkID]time.Time
	opened  time.Time
	want    int
	rand    *rand.Rand
}

func newView() *fakeView {
	return &fakeView{
		in: map[dialect.LinkID]time.Time{}, out: map[dialect.LinkID]time.Time{},
		opened: start, rand: rand.New(rand.NewPCG(1, 2)),
	}
}

// start is when everything in these tests begins.
var start = time.Date(2021, 2, 18, 12, 0, 0, 0, time.UTC)

func (v *fakeView) Share(_ dialect.LinkID, max int) []addr.Addr {
	return v.share[:min(max, len(v.share))]
}
func (v *fakeView) Links() []dialect.LinkID { return v.links }
func (v *fakeView) Want() int               { return v.want }
func (v *fakeView) Rand() *rand.Rand        { return v.rand }

func (v *fakeView) Traffic(id dialect.LinkID) (in, out time.Time) {
	in, out = v.opened, v.opened
	if t, ok := v.in[id]; ok {
		in = t
	}
	if t, ok := v.out[id]; ok {
		out = t
	}
	return in, out
}
