package up

import (
	"context"
	"sync"
	"time"

	"parley/cmd/parley/internal/chain"
)

// Times that a run may take beside that which the user gives it.
const (
	connectLimit = 10 * time.Second // without another link that is there at last
	settleLimit  = 10 * time.Second // without another block that arrives, besides delays
)

// conductor decides who makes the next block and who dies. It stands for what
// in a real network are consensus and bad luck.
type conductor struct {
	net    *network
	status func() // called when a block has had its time
	filler []byte
	kills  sync.WaitGroup // nodes that are down for a while
}

// conduct runs the network from the first block to the last: until ctx is done
// or the time that the user gave is over since the first. Then it waits until
// every node has every block, or nothing seems to arrive any more.
//
// ctx says how long to make blocks; life is the context of the nodes.
func (n *network) conduct(ctx, life context.Context, status func()) {
	c := &conductor{net: n, status: status, filler: make([]byte, n.opt.blockSize)}
	fill := stream(n.opt.seed, streamFiller)
	for i := range c.filler {
		c.filler[i] = byte(fill.Uint32())
	}
	if ctx.Err() == nil {
		c.block()
	}
	if n.opt.runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opt.runFor)
		defer cancel()
	}
	c.loop(ctx, life)
	c.kills.Wait()
	n.await(life, settleLimit+10*n.opt.delay, n.settled)
	status()
}

// loop makes a block each block time, and kills.
func (c *conductor) loop(ctx, life context.Context) {
	o := &c.net.opt
	blocks := time.NewTicker(o.blockTime)
	defer blocks.Stop()
	var kill <-chan time.Time
	if o.killEvery > 0 {
		kills := time.NewTicker(o.killEvery)
		defer kills.Stop()
		kill = kills.C
	}
	victims := stream(o.seed, streamKills)
	for {
		select {
		case <-ctx.Done():
			return
		case <-blocks.C:
			c.status()
			c.block()
		case <-kill:
			if ms := c.net.alive(); len(ms) > 1 && ctx.Err() == nil {
				victim := ms[victims.IntN(len(ms))]
				c.kills.Go(func() { c.rest(ctx, life, victim) })
			}
		}
	}
}

// block has the leader make a block; if it is down, the next node that is up.
func (c *conductor) block() {
	n := c.net
	height := n.book.next()
	leader := 0
	if n.opt.rotate {
		leader = int((height - 1) % uint64(len(n.members)))
	}
	for i := range n.members {
		m := n.members[(leader+i)%len(n.members)]
		if m.is(up) {
			h := chain.Header{Height: height, Leader: uint32(m.index), Made: time.Now()}
			block := chain.AppendBlock(nil, h, c.filler)
			n.book.enter(m.index, block, h.Made)
			m.app.make(block, h)
			return
		}
	}
}

// rest stops a node and starts it again after a block time, or sooner if the
// run ends. Its port may have been taken meanwhile, so it tries more than once.
func (c *conductor) rest(ctx, life context.Context, m *member) {
	if !m.kill() {
		return
	}
	c.net.tell("node %d stopped at height %d", m.index, m.app.height())
	pause(ctx, c.net.opt.blockTime)
	for range restarts {
		err := m.start(life)
		if err == nil {
			c.net.tell("node %d is back on %v", m.index, m.address())
			return
		}
		c.net.tell("node %d can not start: %v", m.index, err)
		pause(life, restartPause)
	}
}

// How often a node that was stopped tries to start again, and the pause
// between.
const (
	restarts     = 10
	restartPause = 250 * time.Millisecond
)

// pause waits for d, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// alive returns the members that are up.
func (n *network) alive() []*member {
	var ms []*member
	for _, m := range n.members {
		if m.is(up) {
			ms = append(ms, m)
		}
	}
	return ms
}

// settled reports whether every node that is up has every block and, unless a
// node is down, every link is back.
func (n *network) settled() bool {
	alive := n.alive()
	for _, m := range alive {
		if n.book.lacks(m.index) {
			return false
		}
	}
	return len(alive) < len(n.members) || n.connected()
}
