package load

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"parley/addr"
	"parley/bench/raw"
	"parley/stats"
)

// How a slow peer reads: 10 KiB a second.
const (
	slowBytes = 1 << 10
	slowEvery = 100 * time.Millisecond
)

// slow is a peer that reads next to nothing.
type slow struct {
	*peer
	stop chan struct{}
	wg   sync.WaitGroup
}

// NewUneven links peers to a node as NewFan does, and one more that reads 10 KiB
// a second, which nobody waits for.
func NewUneven(l Language, peers, size int) (*Fan, error) {
	f, err := NewFan(l, peers, size)
	if err != nil {
		return nil, err
	}
	at, err := f.node.at()
	if err == nil {
		err = f.joinSlow(l, at, peers+1)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Fan) joinSlow(l Language, at net.Addr, number int) error {
	p, err := meet(l, at, number)
	if err != nil {
		return err
	}
	s := &slow{peer: p, stop: make(chan struct{})}
	s.wg.Go(s.read)
	f.slow = s
	return nil
}

func (s *slow) read() {
	every := time.NewTicker(slowEvery)
	defer every.Stop()
	buf := make([]byte, slowBytes)
	for {
		select {
		case <-every.C:
		case <-s.stop:
			return
		}
		if _, err := s.conn.Read(buf); err != nil {
			return
		}
	}
}

func (s *slow) close() error {
	close(s.stop)
	err := raw.Reset(s.conn)
	s.wg.Wait()
	return err
}

// Held returns how many bytes the node holds for the slow peer, and what it
// dropped for it and why.
func (f *Fan) Held() (queued int, why stats.Drops, err error) {
	at := addr.FromAddrPort(f.slow.conn.LocalAddr().(*net.TCPAddr).AddrPort())
	for l := range f.node.Links() {
		if l.Addr() == at {
			return l.Queued(), l.Stats().Drops(), nil
		}
	}
	return 0, why, fmt.Errorf("no link to the slow peer at %v", at)
}
