package load

import (
	"fmt"
	"sync/atomic"

	"parley/bench/measure"
	"parley/dialect"
	"parley/node"
)

// counter is the handler of a node that only receives: it counts messages of
// one size and does nothing else with them.
type counter struct {
	size    int
	got     *measure.Tally
	batches atomic.Int64
	odd     atomic.Int64 // messages of another size
	up      *measure.Tally
}

func newCounter(size int) *counter {
	return &counter{size: size, got: measure.NewTally(), up: measure.NewTally()}
}

// Peer implements node.Handler.
func (c *counter) Peer(_ *node.Link, up bool, _ error) {
	if up {
		c.up.Add(1)
	}
}

// Note implements node.Handler.
func (c *counter) Note(*node.Link, any) {}

// Receive implements node.Handler.
func (c *counter) Receive(_ *node.Link, ms []dialect.Message) {
	for i := range ms {
		if len(ms[i].Body) != c.size {
			c.odd.Add(1)
		}
	}
	c.batches.Add(1)
	c.got.Add(int64(len(ms)))
}

// wait returns once want messages have arrived, all of them of the right size.
func (c *counter) wait(want int64, ended <-chan struct{}) error {
	if err := c.got.Wait(want, ended); err != nil {
		return err
	}
	if got := c.got.Got(); got != want {
		return fmt.Errorf("%d messages arrived, %d were sent", got, want)
	}
	if odd := c.odd.Load(); odd > 0 {
		return fmt.Errorf("%d messages arrived with another size than %d", odd, c.size)
	}
	return nil
}
