package p2p

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"parley/stats"
)

// Info is what a network does at present. The rates are those of the last whole
// second.
type Info struct {
	Peers     int     // connected peers
	Receiving float64 // messages received in a second
	Sending   float64 // messages sent in a second
	Download  float64 // bytes received in a second
	Upload    float64 // bytes sent in a second
	Dropped   uint64  // parcels lost so far: in full queues, invalid ones, and those that nobody was there for
}

// PeerMetrics is what was counted on one connection. Messages are parcels, not
// calls of read and write.
type PeerMetrics struct {
	Hash             string
	PeerAddress      string // IP
	MomentConnected  time.Time
	PeerQuality      int32 // 0, less by what the peer is blamed for; at -100 it is banned
	LastReceive      time.Time
	LastSend         time.Time
	MessagesSent     uint64
	BytesSent        uint64
	MessagesReceived uint64
	BytesReceived    uint64
	Incoming         bool
	PeerType         string // "regular" or "special_config"
	ConnectionState  string // "v9", "v10" or "v11"
	MPSDown          float64
	MPSUp            float64
	BPSDown          float64
	BPSUp            float64
	SendFillRatio    float64
	Dropped          uint64 // parcels lost in the queue to the peer, or on the way from it to the application
}

// StatsCollector tells how many messages and bytes were written and read since
// it was last asked.
type StatsCollector interface {
	Collect() (mw uint64, mr uint64, bw uint64, br uint64)
}

// ReadWriteCollector is a stream that counts.
type ReadWriteCollector interface {
	io.Reader
	io.Writer
	StatsCollector
}

// MetricsReadWriter counts the calls and bytes that pass through it. Reading,
// writing and collecting may be done by three goroutines.
type MetricsReadWriter struct {
	rw             io.ReadWriter
	mw, mr, bw, br atomic.Uint64
}

// NewMetricsReadWriter returns a counter around rw.
func NewMetricsReadWriter(rw io.ReadWriter) *MetricsReadWriter { return &MetricsReadWriter{rw: rw} }

// Collect returns how many calls of Write and Read there were since the last
// Collect, and how many bytes they moved.
func (sc *MetricsReadWriter) Collect() (mw uint64, mr uint64, bw uint64, br uint64) {
	return sc.mw.Swap(0), sc.mr.Swap(0), sc.bw.Swap(0), sc.br.Swap(0)
}

// Read reads from the stream.
func (sc *MetricsReadWriter) Read(p []byte) (int, error) {
	n, err := sc.rw.Read(p)
	sc.mr.Add(1)
	sc.br.Add(uint64(max(n, 0)))
	return n, err
}

// Write writes to the stream.
func (sc *MetricsReadWriter) Write(p []byte) (int, error) {
	n, err := sc.rw.Write(p)
	sc.mw.Add(1)
	sc.bw.Add(uint64(max(n, 0)))
	return n, err
}

// rates are figures per second.
type rates struct{ msgsIn, msgsOut, bytesIn, bytesOut float64 }

// meter turns totals into rates. It has one owner.
type meter struct {
	at   time.Time
	last stats.Totals
}

// step returns the rates since the last step.
func (m *meter) step(now time.Time, t stats.Totals) (r rates) {
	if span := now.Sub(m.at).Seconds(); !m.at.IsZero() && span > 0 {
		per := func(new, old uint64) float64 { return float64(new-min(old, new)) / span }
		r = rates{per(t.InMsgs, m.last.InMsgs), per(t.OutMsgs, m.last.OutMsgs), per(t.InBytes, m.last.InBytes), per(t.OutBytes, m.last.OutBytes)}
	}
	m.at, m.last = now, t
	return r
}

// tick is how often rates are worked out and metrics reported.
const tick = time.Second

// gauge is the one goroutine behind all metrics: once a second it looks at the
// counters, which are counted by others anyway.
func (n *Network) gauge(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	defer n.reserve.Follow(0)
	for {
		select {
		case now := <-t.C:
			n.look(ctx, now)
		case <-ctx.Done():
			return
		}
	}
}

// look works out rates and reports.
func (n *Network) look(ctx context.Context, now time.Time) {
	s, err := n.node.Snapshot(ctx)
	if err == nil {
		n.account(now, s)
	}
}

// account works out rates from what the counters say now.
func (n *Network) account(now time.Time, s *stats.Snapshot) {
	n.rounds.Store(int64(s.Rounds))
	r := n.counted.step(now, s.Total)
	n.lastRate.Store(&r)
	n.reserve.Follow(r.bytesIn)
	blame := make(map[uint64]int, len(s.Links))
	opening := 0
	for i := range s.Links {
		blame[s.Links[i].ID] = s.Links[i].Blame
		if s.Links[i].Opening {
			opening++
		}
	}
	for _, p := range n.peers.Slice() {
		st := p.link.Stats()
		r := p.counted.step(now, stats.Totals{
			InMsgs: st.InMsgs.Load(), OutMsgs: st.OutMsgs.Load(), InBytes: st.InBytes.Load(), OutBytes: st.OutBytes.Load(),
		})
		p.lastRate.Store(&r)
		p.blame.Store(int32(blame[uint64(p.link.ID())]))
	}
	n.shown.update(n, s, opening, r)
	n.callHook()
}

// hook is the application's metrics hook. It runs on a goroutine of its own,
// never twice at once: one that is slow is called less often.
type hook struct {
	mu   sync.Mutex
	f    func(map[string]PeerMetrics)
	busy atomic.Bool
}

func (n *Network) callHook() {
	n.hook.mu.Lock()
	f := n.hook.f
	n.hook.mu.Unlock()
	if f == nil || n.hook.busy.Swap(true) {
		return
	}
	n.hooks.Go(func() {
		defer n.hook.busy.Store(false)
		f(n.GetPeerMetrics())
	})
}
