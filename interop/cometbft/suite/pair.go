package suite

import (
	"testing"

	"parley/dialect/tendermint"
	"parley/interop/cometbft/real"
	"parley/node"
)

// The keys of those who take part.
const (
	ourKey    = 1
	theirKey  = 2
	stranger  = 77
	firstCase = 100
)

// pair is a node of ours and a switch of theirs that are linked.
type pair struct {
	ours   *ours
	theirs *real.Switch
	link   *node.Link
}

// theirs runs a switch of theirs.
func theirs(t *testing.T, n int, change func(*real.Config)) *real.Switch {
	t.Helper()
	cfg := real.Config{Key: key(n), Network: chain, Channels: channels}
	if change != nil {
		change(&cfg)
	}
	return real.Start(t, cfg)
}

// link starts both and has one dial the other.
func link(t *testing.T, weDial bool, speak func(*tendermint.Config), change func(*real.Config)) *pair {
	t.Helper()
	return linkTo(t, start(t, ourKey, speak, nil), weDial, change)
}

// linkTo links a node to a switch that it starts.
func linkTo(t *testing.T, o *ours, weDial bool, change func(*real.Config)) *pair {
	t.Helper()
	p := &pair{ours: o, theirs: theirs(t, theirKey, change)}
	p.connect(t, weDial)
	return p
}

// connect has one dial the other and waits for both to say that they are linked.
func (p *pair) connect(t *testing.T, weDial bool) {
	t.Helper()
	if weDial {
		if _, err := p.ours.dial(t, p.theirs.Address()); err != nil {
			t.Fatal(err)
		}
	} else if err := p.theirs.Dial(p.ours.address()); err != nil {
		t.Fatal(err)
	}
	p.link = p.ours.up(t, p.theirs.ID())
	e := await(t, p.theirs.Events, "their peer is added")
	if !e.Up || e.Peer != p.ours.dialect.ID() {
		t.Fatalf("their switch says %+v, want our node", e)
	}
}

// eachRole runs a story in both roles.
func eachRole(t *testing.T, story func(t *testing.T, weDial bool)) {
	for name, weDial := range map[string]bool{"we dial": true, "they dial": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, weDial)
		})
	}
}
