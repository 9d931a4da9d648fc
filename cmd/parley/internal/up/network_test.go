package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds how long a network may stand still before a test has waited enough
// for it; it never decides whether one passes.
const patience = 30 * time.Second

// running starts a network, waits until it is connected and returns what ends
// it.
func running(t *testing.T, n *network) (stop func()) {
	t.Helper()
	life, cancel := context.WithCancel(context.Background())
	if err := n.start(life); err != nil {
		cancel()
		t.Fatal(err)
	}
	if !n.await(t.Context(), patience, n.connected) {
		t.Errorf("not connected: links %v of %v", n.links(), n.edges)
	}
	return func() { n.stop(cancel) }
}

// notes collects what a network tells the user.
type notes struct {
	mu    sync.Mutex
	lines []string
	hook  func(line string)
}

func (n *notes) tell(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	n.mu.Lock()
	n.lines = append(n.lines, line)
	n.mu.Unlock()
	if n.hook != nil {
		n.hook(line)
	}
}

func (n *notes) has(part string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.lines, func(l string) bool { return strings.Contains(l, part) })
}

// TestExactlyTheLinks wants the links of the topology, from the higher node to
// the lower, and no others.
func TestExactlyTheLinks(t *testing.T) {
	t.Parallel()
	o := defaults()
	o.nodes, o.topology, o.seed = 12, "random", 3
	n, err := newNetwork(o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	got := n.links()
	slices.SortFunc(got, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	if !slices.Equal(got, n.edges) {
		t.Errorf("links %v, want %v", got, n.edges)
	}
	total := 0
	for _, m := range n.members {
		for _, l := range m.app.live() {
			total++
			if l.Dialed() && l.Addr().Port == m.address().Port {
				t.Errorf("node %d dialed itself", m.index)
			}
		}
	}
	if total != 2*len(n.edges) {
		t.Errorf("%d ends of links, want %d", total, 2*len(n.edges))
	}
}

// TestDiscover wants nodes that are not in the seed file to find each other.
func TestDiscover(t *testing.T) {
	t.Parallel()
	o := defaults()
	o.nodes, o.topology, o.seed = 10, discover, 3
	n, err := newNetwork(o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	found := func() bool {
		return slices.ContainsFunc(n.links(), func(e [2]int) bool { return e[0] >= seedNodes && e[1] >= seedNodes })
	}
	if !n.await(t.Context(), patience, found) {
		t.Errorf("nodes 0 to %d are seeds; all links are to them: %v", seedNodes-1, n.links())
	}
}

// TestLeaderDown wants the next node to take over for a leader that is down,
// and the leader to get what it missed.
func TestLeaderDown(t *testing.T) {
	t.Parallel()
	o := defaults()
	o.blockTime, o.rotate = 50*time.Millisecond, true
	var said notes
	n, err := newNetwork(o, said.tell)
	if err != nil {
		t.Fatal(err)
	}
	life, cancel := context.WithCancel(context.Background())
	if err := n.start(life); err != nil {
		t.Fatal(err)
	}
	defer func() { n.stop(cancel) }()
	c := &conductor{net: n}
	c.block()
	if !n.members[1].kill() || n.members[1].kill() {
		t.Error("a node can be killed once, and no more")
	}
	c.block()
	if height, last, _ := n.book.last(); height != 2 || last.leader != 2 {
		t.Errorf("block %d is by node %d, want block 2 by node 2", height, last.leader)
	}
	if err := n.members[1].start(life); err != nil {
		t.Fatal(err)
	}
	if !n.await(t.Context(), patience, n.settled) {
		t.Errorf("node 1 lacks blocks: it has %d of 2", n.members[1].app.height())
	}
	if r := n.report(); r.Expected != 8 || r.Delivered != 8 {
		t.Errorf("%d of %d delivered, want 8 of 8", r.Delivered, r.Expected)
	}
}

// TestPortTaken wants a node whose port is taken while it is down to say so and
// try again.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	o := defaults()
	o.nodes, o.blockTime = 2, minBlockTime
	var said notes
	n, err := newNetwork(o, said.tell)
	if err != nil {
		t.Fatal(err)
	}
	life, cancel := context.WithCancel(context.Background())
	if err := n.start(life); err != nil {
		t.Fatal(err)
	}
	defer func() { n.stop(cancel) }()
	var thief net.Listener
	said.hook = func(line string) {
		switch {
		case strings.Contains(line, "stopped"):
			if thief, err = net.Listen("tcp", n.members[1].address().String()); err != nil {
				t.Error(err)
			}
		case strings.Contains(line, "can not start"):
			thief.Close()
		}
	}
	c := &conductor{net: n}
	c.rest(t.Context(), life, n.members[1])
	if !said.has("node 1 can not start") || !said.has("node 1 is back on "+n.members[1].address().String()) {
		t.Errorf("told: %q", said.lines)
	}
}

// TestDeath wants to be told of a node that ends on its own, and a verdict that
// does not count it.
func TestDeath(t *testing.T) {
	t.Parallel()
	var said notes
	n, err := newNetwork(defaults(), said.tell)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range n.members {
		m.state = up
	}
	n.members[3].ended(errors.New("out of memory"), make(chan struct{}))
	n.members[4].state = stopping
	n.members[4].ended(nil, make(chan struct{}))
	if !slices.Equal(said.lines, []string{"node 3 died: out of memory"}) {
		t.Errorf("told: %q", said.lines)
	}
	if alive := n.alive(); len(alive) != 3 {
		t.Errorf("%d nodes are up, want 3", len(alive))
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	o := defaults()
	n, err := newNetwork(o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	c := &conductor{net: n}
	c.block()
	if !n.await(t.Context(), patience, n.settled) {
		t.Error("the block did not arrive")
	}
	n.members[4].kill()
	if !n.await(t.Context(), patience, func() bool { return n.ends() == 6 }) {
		t.Errorf("%d ends of links with node 4 down, want 6", n.ends())
	}
	rates := make([]rate, o.nodes+1)
	now := time.Now()
	n.table(now, rates)
	table := n.table(now.Add(time.Second), rates)
	if len(table.Rows) != o.nodes {
		t.Fatalf("%d rows, want %d", len(table.Rows), o.nodes)
	}
	for i, want := range []string{"0", "1", "2", "3", "4 down"} {
		row := table.Rows[i]
		if row[0] != want || row[1] != n.members[i].address().String() || row[3] != "1" || len(row) != len(table.Columns) {
			t.Errorf("row %d is %q", i, row)
		}
	}
	if table.Rows[1][9] == "—" || table.Rows[0][9] != "—" {
		t.Errorf("faults %q and %q, want one where node 4 was linked", table.Rows[1][9], table.Rows[0][9])
	}
	if table.Total[2] != "6" || table.Total[3] != "1" {
		t.Errorf("totals %q, want 6 ends of links, height 1", table.Total)
	}
}
