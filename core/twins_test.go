package core

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"parley/addr"
	"parley/dialect"
)

// meeting is two nodes that dial each other, and the messages between them in
// flight. Which arrives first is up to chance, but those of one connection in
// one direction stay in order.
type meeting struct {
	r     *rand.Rand
	nodes [2]*Node
	conns [2]*conn // conns[i] is dialed by node i
	eff   Effects
}

// conn is one connection. Its listener admits first, as the dialer has to
// introduce itself to it.
type conn struct {
	ids    [2]LinkID // at each node
	dialer int
	queue  [2][]string // on the way to each node
	ended  [2]bool
}

func newMeeting(seed uint64, nonces [2]uint64) *meeting {
	m := &meeting{r: rand.New(rand.NewPCG(seed, 3))}
	where := [2]addr.Addr{at("8.1.0.1:7"), at("8.2.0.1:7")}
	for i := range m.nodes {
		h := Host{Rand: rand.New(rand.NewPCG(seed, uint64(i))), Nonce: nonces[i]}
		m.nodes[i] = New(Config{Outbound: 1}, fake{}, h, where[1-i])
		m.eff.Reset()
		m.nodes[i].Wake(epoch, &m.eff)
		c := &conn{dialer: i}
		c.ids[i] = m.eff.Dial[0].Link
		m.conns[i] = c
	}
	for i, c := range m.conns {
		c.ids[1-i], _ = m.nodes[1-i].Accepted(epoch, where[i].WithPort(5000))
		c.queue[1-i] = []string{"hello"}
	}
	return m
}

func (m *meeting) intro(of int) dialect.Intro {
	in := dialect.Intro{ID: fmt.Sprint("node", of), Nonce: m.nodes[of].host.Nonce}
	in.Listen.Port = 7
	return in
}

// step delivers one message and reports whether there was one.
func (m *meeting) step() bool {
	type way struct {
		c  *conn
		to int
	}
	var ways []way
	for _, c := range m.conns {
		for to := range c.queue {
			if len(c.queue[to]) > 0 {
				ways = append(ways, way{c, to})
			}
		}
	}
	if len(ways) == 0 {
		return false
	}
	w := ways[m.r.IntN(len(ways))]
	text := w.c.queue[w.to][0]
	w.c.queue[w.to] = w.c.queue[w.to][1:]
	m.deliver(w.c, w.to, text)
	return true
}

// deliver lets a node react: the listener admits and says yes, the dialer
// admits and says yes, and each is open once it knows that the other is content.
func (m *meeting) deliver(c *conn, to int, text string) {
	if c.ended[to] {
		return
	}
	n, id, in := m.nodes[to], c.ids[to], m.intro(1-to)
	m.eff.Reset()
	switch {
	case text == "end":
		m.end(c, to, io.EOF)
		return
	case text == "yes" && to != c.dialer:
		n.Opened(epoch, id, in, &m.eff)
	default:
		if err := n.Admit(epoch, id, in, &m.eff); err != nil {
			m.perform(to)
			m.end(c, to, err)
			return
		}
		m.perform(to)
		m.eff.Reset()
		c.queue[1-to] = append(c.queue[1-to], "yes")
		if to == c.dialer {
			n.Opened(epoch, id, in, &m.eff)
		}
	}
	m.perform(to)
}

func (m *meeting) end(c *conn, at int, why error) {
	c.ended[at] = true
	c.queue[1-at] = append(c.queue[1-at], "end")
	m.eff.Reset()
	m.nodes[at].Closed(epoch, c.ids[at], why, &m.eff)
	m.perform(at)
}

// perform closes what a node wants closed.
func (m *meeting) perform(at int) {
	for _, x := range m.eff.Close {
		for _, c := range m.conns {
			if c.ids[at] == x.Link {
				c.ended[at] = true
				c.queue[1-at] = append(c.queue[1-at], "end")
			}
		}
	}
}

// TestTwins checks that two nodes that dial each other at once are left with
// one connection, the same one, in whatever order things happen. The original
// was left with none in one of ten trials.
func TestTwins(t *testing.T) {
	for seed := range uint64(800) {
		nonces := [2]uint64{10, 20}
		if seed%2 == 0 {
			slices.Reverse(nonces[:])
		}
		m := newMeeting(seed, nonces)
		for m.step() {
		}
		var kept [2]int
		for i, n := range m.nodes {
			if len(n.live) != 1 || len(n.made) != 1 {
				t.Fatalf("seed %d: node %d has %d links and %d up, want one", seed, i, len(n.made), len(n.live))
			}
			kept[i] = slices.IndexFunc(m.conns[:], func(c *conn) bool { return c.ids[i] == n.live[0].id })
		}
		if kept[0] != kept[1] || nonces[kept[0]] != 20 {
			t.Fatalf("seed %d: the nodes kept connections %v, want that of the higher nonce %v", seed, kept, nonces)
		}
	}
}
