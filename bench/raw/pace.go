package raw

import (
	"context"
	"net"
	"runtime"
	"sync"
	"time"

	"parley/bench/measure"
)

// tick is how often a pacer writes to each connection.
const tick = 10 * time.Millisecond

// Pacer writes the same bytes to many connections a hundred times a second, from
// one thread whose cost is known, so that the cost of receiving can be told from it.
type Pacer struct {
	Conns []*net.TCPConn
	Wire  []byte // of one message
}

// Run writes for about d. It returns how many writes there were, how long it took,
// and the processor time of the thread, or -1 where that is not known.
func (p *Pacer) Run(ctx context.Context, d time.Duration) (n int64, took, cpu time.Duration, err error) {
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before, begin := measure.ThreadTime(), time.Now()
		n, err = p.write(ctx, begin, d)
		if took, cpu = time.Since(begin), -1; before >= 0 {
			cpu = measure.ThreadTime() - before
		}
	})
	wg.Wait()
	return n, took, cpu, err
}

func (p *Pacer) write(ctx context.Context, begin time.Time, d time.Duration) (n int64, err error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for at := time.Duration(0); at < d; at += tick {
		timer.Reset(at - time.Since(begin))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return n, ctx.Err()
		}
		for _, c := range p.Conns {
			if _, err := c.Write(p.Wire); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
