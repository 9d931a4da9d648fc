package raw

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"parley/bench/measure"
)

// Traffic is many connections on each of which a message comes a hundred times a
// second. A goroutine for each reads and counts them.
type Traffic struct {
	Pacer
	got  *measure.Tally
	sent int64
	wg   sync.WaitGroup
}

// NewTraffic opens connections for frames with bodies of size bytes.
func NewTraffic(peers, size int) (*Traffic, error) {
	t := &Traffic{got: measure.NewTally()}
	t.Wire = binary.BigEndian.AppendUint32(nil, uint32(size))
	t.Wire = append(t.Wire, make([]byte, size)...)
	for range peers {
		out, in, err := Pair()
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		t.Conns = append(t.Conns, out)
		t.wg.Go(func() {
			defer in.Close()
			sink(in, make([]byte, 4<<10), headSize+size, t.got)
		})
	}
	return t, nil
}

// Run is that of the pacer. It returns once everything was read.
func (t *Traffic) Run(ctx context.Context, d time.Duration) (n int64, took, cpu time.Duration, err error) {
	n, took, cpu, err = t.Pacer.Run(ctx, d)
	t.sent += n
	if err == nil {
		err = t.got.Wait(t.sent, nil)
	}
	return n, took, cpu, err
}

// Close ends the connections and waits for their readers.
func (t *Traffic) Close() error {
	var errs []error
	for _, c := range t.Conns {
		errs = append(errs, c.Close())
	}
	t.wg.Wait()
	return errors.Join(errs...)
}
