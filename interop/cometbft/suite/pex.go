package suite

import (
	"testing"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
	"parley/interop/cometbft/real"
	"parley/node"
)

// peerExchange has each side learn from the other about somebody else of theirs.
func peerExchange(t *testing.T) {
	t.Run("they learn from us", func(t *testing.T) {
		t.Parallel()
		us := start(t, ourKey, nil, nil)
		far := theirs(t, 3, withPEX)
		if _, err := us.dial(t, far.Address()); err != nil {
			t.Fatal(err)
		}
		us.up(t, far.ID())
		near := theirs(t, 4, withPEX)
		if err := near.Dial(us.address()); err != nil {
			t.Fatal(err)
		}
		// It asks us, whom it dialed, at once, and dials whom we tell it of.
		find(t, near.Events, "they dial whom we told them of", func(e real.Event) bool { return e.Up && e.Peer == far.ID() })
	})
	t.Run("we learn from them", func(t *testing.T) {
		t.Parallel()
		hub := theirs(t, 3, withPEX)
		far := theirs(t, 4, withPEX)
		if err := far.Dial(hub.Address()); err != nil {
			t.Fatal(err)
		}
		find(t, hub.Events, "theirs are linked", isUp)
		a, err := tendermint.ParseNetAddress(hub.Address())
		if err != nil {
			t.Fatal(err)
		}
		us := start(t, ourKey, asking, func(c *node.Config) { c.Core.Outbound, c.Seeds = 8, []addr.Addr{a.Addr} })
		told := find(t, us.notes, "they tell us of another", func(as tendermint.Addresses) bool { return has(as, far.Address()) })
		if has(told, us.address()) {
			t.Error("we learned of ourselves")
		}
		find(t, us.events, "we dial whom they told us of", func(e event) bool { return e.up && e.link.Dialed() && e.link.Intro().ID == far.ID() })
	})
	t.Run("for longer", func(t *testing.T) { t.Parallel(); longExchange(t) })
}

// longExchange has both ask the other again and again, at the pace that theirs
// allows. Theirs bans who asks too often or tells unasked, and so do we.
func longExchange(t *testing.T) {
	// Theirs allows a request in a third of the time in which it asks itself.
	p := linkTo(t, start(t, ourKey, asking, func(c *node.Config) { c.Core.Outbound = 8 }), true, func(c *real.Config) { c.PEX, c.EnsureIn = true, 3*time.Second })
	for range 5 {
		find(t, p.ours.traced, "something about addresses", isReceived)
	}
	p.use(t)
	for len(p.theirs.Events) > 0 {
		if e := <-p.theirs.Events; !e.Up {
			t.Errorf("they hang up: %s", e.Why)
		}
	}
}

func withPEX(c *real.Config) { c.PEX, c.EnsureIn = true, 500*time.Millisecond }

// asking makes a node of ours ask as often as can be configured.
func asking(c *tendermint.Config) { c.Ask, c.AskAgain = time.Second, time.Second }

func isReceived(e node.Event) bool { return e.What == "received" }

func has(as tendermint.Addresses, address string) bool {
	for _, a := range as {
		if a.String() == address {
			return true
		}
	}
	return false
}
