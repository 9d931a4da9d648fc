package p2p

import (
	"cmp"
	"errors"
	"math/bits"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"parley/dialect"
	"parley/stats"
)

// Prometheus holds the instruments of one registry. Networks that share a
// registry share them: a gauge shows the sum over the networks that run.
type Prometheus struct {
	Connections      prometheus.Gauge
	Connecting       prometheus.Gauge
	Incoming         prometheus.Gauge
	Outgoing         prometheus.Gauge
	ToNetwork        prometheus.Gauge
	ToNetworkRatio   prometheus.Gauge
	FromNetwork      prometheus.Gauge
	FromNetworkRatio prometheus.Gauge
	CatRounds        prometheus.Counter

	SendRoutines    prometheus.Gauge
	ReceiveRoutines prometheus.Gauge

	ParcelsSent        prometheus.Counter
	ParcelsReceived    prometheus.Counter
	Invalid            prometheus.Counter
	AppSent            prometheus.Counter
	AppReceived        prometheus.Counter
	ByteRateDown       prometheus.Gauge
	ByteRateUp         prometheus.Gauge
	MessageRateDown    prometheus.Gauge
	MessageRateUp      prometheus.Gauge
	DroppedPeerSend    prometheus.Counter
	DroppedFromNetwork prometheus.Counter
	DroppedToNetwork   prometheus.Counter

	ParcelSize prometheus.Histogram
}

// prefix begins the name of every instrument.
const prefix = "factomd_p2p_"

// Setup registers the instruments with the default registry. If they are there
// already it takes those. It panics, as documented for registering, if one of
// their names is taken by something else.
func (p *Prometheus) Setup() {
	if err := p.SetupWith(prometheus.DefaultRegisterer); err != nil {
		panic(err)
	}
}

// SetupWith is Setup for another registry, and returns the error.
func (p *Prometheus) SetupWith(r prometheus.Registerer) error {
	for _, g := range []struct {
		to         *prometheus.Gauge
		name, help string
	}{
		{&p.Connections, "peers_online", "Number of established connections"},
		{&p.Connecting, "peers_connecting", "Number of connections currently dialing or awaiting handshake"},
		{&p.Incoming, "peers_incoming", "Number of peers that have dialed to this node"},
		{&p.Outgoing, "peers_outgoing", "Number of peers that this node has dialed to"},
		{&p.ToNetwork, "to_network", "The number of parcels in the ToNetwork channel"},
		{&p.ToNetworkRatio, "to_network_ratio", "The fill ratio of the ToNetwork channel"},
		{&p.FromNetwork, "from_network", "The number of parcels in the FromNetwork channel"},
		{&p.FromNetworkRatio, "from_network_ratio", "The fill ratio of the FromNetwork channel"},
		{&p.SendRoutines, "tech_sendroutines", "Number of active send routines"},
		{&p.ReceiveRoutines, "tech_receiveroutines", "Number of active receive routines"},
		{&p.ByteRateDown, "byte_rate_down", "Current rate of incoming traffic (in bytes/sec)"},
		{&p.ByteRateUp, "byte_rate_up", "Current rate of outgoing traffic (in bytes/sec)"},
		{&p.MessageRateDown, "msg_rate_down", "Current rate of incoming traffic (in messages/sec)"},
		{&p.MessageRateUp, "msg_rate_up", "Current rate of outgoing traffic (in messages/sec)"},
	} {
		c, err := register(r, prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + g.name, Help: g.help}))
		if err != nil {
			return err
		}
		*g.to = c
	}
	return p.setupCounters(r)
}

func (p *Prometheus) setupCounters(r prometheus.Registerer) error {
	for _, g := range []struct {
		to         *prometheus.Counter
		name, help string
	}{
		{&p.CatRounds, "cat_rounds", "Number of CAT rounds"},
		{&p.ParcelsSent, "parcels_sent", "Total number of parcels sent out"},
		{&p.ParcelsReceived, "parcels_received", "Total number of parcels received"},
		{&p.Invalid, "parcels_invalid", "Total number of invalid parcels received"},
		{&p.AppSent, "messages_sent", "Total number of application messages sent"},
		{&p.AppReceived, "messages_received", "Total number of application messages received"},
		{&p.DroppedPeerSend, "dropped_peer_send", "Number of parcels that were unable to be sent because of peer's lack of bandwidth"},
		{&p.DroppedFromNetwork, "dropped_from_network", "Number of parcels that were dropped because application is not reading parcels fast enough"},
		{&p.DroppedToNetwork, "dropped_to_network", "Number of parcels that were dropped because application is sending parcels too fast"},
	} {
		c, err := register(r, prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + g.name, Help: g.help}))
		if err != nil {
			return err
		}
		*g.to = c
	}
	h, err := register[prometheus.Histogram](r, newSizes())
	p.ParcelSize = h
	return err
}

// register registers c and returns it, or what is registered as the same.
func register[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	err := r.Register(c)
	if there, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := there.ExistingCollector.(C); ok {
			return same, nil
		}
	}
	return c, err
}

// sizeBuckets is how many buckets of parcel sizes there are: up to 1, 2, 4, …
// 32,768 KiB.
const sizeBuckets = 16

// sizes is a histogram that many parcels can be added to at once, so that
// counting costs the data plane next to nothing.
type sizes struct {
	desc *prometheus.Desc
	in   [sizeBuckets + 1]atomic.Uint64 // by bucket; the last is what is larger
	sum  atomic.Uint64                  // in KiB
}

func newSizes() *sizes {
	return &sizes{desc: prometheus.NewDesc(prefix+"parcels_size", "Number of parcels encountered for specific sizes (in KiBi)", nil, nil)}
}

// bucket returns the bucket of a size in KiB.
func bucket(kib uint64) int {
	if kib <= 1 {
		return 0
	}
	return min(bits.Len64(kib-1), sizeBuckets)
}

func (s *sizes) add(kib uint64, times int) {
	s.in[bucket(kib)].Add(uint64(times))
	s.sum.Add(kib * uint64(times))
}

// Observe implements [prometheus.Histogram]; v is in KiB.
func (s *sizes) Observe(v float64) { s.add(uint64(max(v, 0)), 1) }

// Desc implements [prometheus.Metric].
func (s *sizes) Desc() *prometheus.Desc { return s.desc }

// Describe implements [prometheus.Collector].
func (s *sizes) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

// Collect implements [prometheus.Collector].
func (s *sizes) Collect(to chan<- prometheus.Metric) { to <- s }

// Write implements [prometheus.Metric].
func (s *sizes) Write(m *dto.Metric) error {
	h := &dto.Histogram{SampleSum: new(float64(s.sum.Load()))}
	var count uint64
	for i := range s.in {
		count += s.in[i].Load()
		if i < sizeBuckets {
			h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: new(count), UpperBound: new(float64(uint64(1) << i))})
		}
	}
	h.SampleCount = &count
	m.Histogram = h
	return nil
}

// exhibit keeps the instruments in line with one network. A nil exhibit shows
// nothing.
type exhibit struct {
	p     Prometheus
	sizes *sizes // nil if the registry has a histogram of another make

	// Owned by the network's gauge, and by Stop when that has ended.
	gauges   map[prometheus.Gauge]float64
	counters map[prometheus.Counter]uint64
}

func newExhibit(c *Configuration) (*exhibit, error) {
	if !c.EnablePrometheus {
		return nil, nil
	}
	x := &exhibit{gauges: map[prometheus.Gauge]float64{}, counters: map[prometheus.Counter]uint64{}}
	if err := x.p.SetupWith(cmp.Or(c.Registerer, prometheus.DefaultRegisterer)); err != nil {
		return nil, err
	}
	x.sizes, _ = x.p.ParcelSize.(*sizes)
	return x, nil
}

// show makes a network's part of a gauge v.
func (x *exhibit) show(g prometheus.Gauge, v float64) {
	g.Add(v - x.gauges[g])
	x.gauges[g] = v
}

// total makes a network's part of a counter v.
func (x *exhibit) total(c prometheus.Counter, v uint64) {
	if old := x.counters[c]; v > old {
		c.Add(float64(v - old))
		x.counters[c] = v
	}
}

// update shows the state of a network. Called by its gauge.
func (x *exhibit) update(n *Network, s *stats.Snapshot, opening int, r rates) {
	if x == nil {
		return
	}
	p := &x.p
	x.show(p.Connections, float64(n.peers.Total()))
	x.show(p.Connecting, float64(opening))
	x.show(p.Incoming, float64(n.peers.Incoming()))
	x.show(p.Outgoing, float64(n.peers.Outgoing()))
	x.show(p.ToNetwork, float64(len(n.ToNetwork)))
	x.show(p.ToNetworkRatio, n.ToNetwork.FillRatio())
	x.show(p.FromNetwork, float64(len(n.FromNetwork)))
	x.show(p.FromNetworkRatio, n.FromNetwork.FillRatio())
	x.show(p.SendRoutines, float64(n.peers.Total()))
	x.show(p.ReceiveRoutines, float64(n.peers.Total()))
	x.show(p.ByteRateDown, r.bytesIn)
	x.show(p.ByteRateUp, r.bytesOut)
	x.show(p.MessageRateDown, r.msgsIn)
	x.show(p.MessageRateUp, r.msgsOut)
	x.total(p.CatRounds, uint64(s.Rounds))
	x.total(p.ParcelsSent, s.Total.OutMsgs)
	x.total(p.ParcelsReceived, s.Total.InMsgs)
	x.total(p.Invalid, s.Faults["protocol"])
	x.total(p.AppSent, n.tally.appOut.Load())
	x.total(p.AppReceived, n.tally.appIn.Load())
	x.total(p.DroppedPeerSend, s.Total.Dropped+n.tally.missed.Load())
	x.total(p.DroppedFromNetwork, n.tally.unread.Load())
	x.total(p.DroppedToNetwork, n.tally.forgotten.Load()+n.tally.invalid.Load())
}

// withdraw takes a network that has ended out of the gauges.
func (x *exhibit) withdraw() {
	if x == nil {
		return
	}
	for g := range x.gauges {
		x.show(g, 0)
	}
}

// sent counts the size of a parcel sent a number of times. The original counts
// 32 bytes for what is around it.
func (x *exhibit) sent(size, times int) {
	switch {
	case x == nil || times == 0:
	case x.sizes != nil:
		x.sizes.add(uint64(size+32)>>10, times)
	default:
		for range times {
			x.p.ParcelSize.Observe(float64((size + 32) >> 10))
		}
	}
}

// received counts the sizes of parcels.
func (x *exhibit) received(ms []dialect.Message) {
	if x == nil {
		return
	}
	if x.sizes == nil {
		for _, m := range ms {
			x.p.ParcelSize.Observe(float64(len(m.Body) >> 10))
		}
		return
	}
	var in [sizeBuckets + 1]uint64
	var sum uint64
	for _, m := range ms {
		kib := uint64(len(m.Body)) >> 10
		in[bucket(kib)]++
		sum += kib
	}
	for i, k := range in {
		if k > 0 {
			x.sizes.in[i].Add(k)
		}
	}
	x.sizes.sum.Add(sum)
}
