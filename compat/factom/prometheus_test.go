package p2p

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"parley/dialect"
	"parley/transport/mem"
)

// gather returns what a registry shows by name.
func gather(t *testing.T, r prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	fs, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.MetricFamily{}
	for _, f := range fs {
		all[f.GetName()] = f
	}
	return all
}

// value returns the one value of an instrument.
func value(f *dto.MetricFamily) float64 {
	if f == nil || len(f.Metric) != 1 {
		return -1
	}
	m := f.Metric[0]
	return m.GetGauge().GetValue() + m.GetCounter().GetValue()
}

// The names and texts of the original (factom-p2p 1.13, Prometheus).
const instruments = `
factomd_p2p_peers_online|Number of established connections
factomd_p2p_peers_connecting|Number of connections currently dialing or awaiting handshake
factomd_p2p_peers_incoming|Number of peers that have dialed to this node
factomd_p2p_peers_outgoing|Number of peers that this node has dialed to
factomd_p2p_to_network|The number of parcels in the ToNetwork channel
factomd_p2p_to_network_ratio|The fill ratio of the ToNetwork channel
factomd_p2p_from_network|The number of parcels in the FromNetwork channel
factomd_p2p_from_network_ratio|The fill ratio of the FromNetwork channel
factomd_p2p_cat_rounds|Number of CAT rounds
factomd_p2p_tech_sendroutines|Number of active send routines
factomd_p2p_tech_receiveroutines|Number of active receive routines
factomd_p2p_parcels_sent|Total number of parcels sent out
factomd_p2p_parcels_received|Total number of parcels received
factomd_p2p_parcels_invalid|Total number of invalid parcels received
factomd_p2p_messages_sent|Total number of application messages sent
factomd_p2p_messages_received|Total number of application messages received
factomd_p2p_byte_rate_down|Current rate of incoming traffic (in bytes/sec)
factomd_p2p_byte_rate_up|Current rate of outgoing traffic (in bytes/sec)
factomd_p2p_msg_rate_down|Current rate of incoming traffic (in messages/sec)
factomd_p2p_msg_rate_up|Current rate of outgoing traffic (in messages/sec)
factomd_p2p_dropped_peer_send|Number of parcels that were unable to be sent because of peer's lack of bandwidth
factomd_p2p_dropped_from_network|Number of parcels that were dropped because application is not reading parcels fast enough
factomd_p2p_dropped_to_network|Number of parcels that were dropped because application is sending parcels too fast
factomd_p2p_parcels_size|Number of parcels encountered for specific sizes (in KiBi)`

func TestInstrumentsHaveTheirNames(t *testing.T) {
	r := prometheus.NewRegistry()
	var p, q Prometheus
	if err := p.SetupWith(r); err != nil {
		t.Fatal(err)
	}
	if err := q.SetupWith(r); err != nil || q.Connections != p.Connections || q.ParcelSize != p.ParcelSize {
		t.Errorf("a second set of one registry is another: %v", err)
	}
	got := gather(t, r)
	for line := range strings.Lines(strings.TrimSpace(instruments)) {
		name, help, _ := strings.Cut(strings.TrimSpace(line), "|")
		if f := got[name]; f == nil || f.GetHelp() != help {
			t.Errorf("%s: %v, want %q", name, f, help)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("besides: %v", got)
	}
	p.Setup() // the default registry; again it takes what is there
	p.Setup()
	taken := prometheus.NewRegistry()
	taken.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "factomd_p2p_to_network", Help: "other"}))
	if p.SetupWith(taken) == nil {
		t.Error("a name that is taken was registered")
	}
	c := local(10)
	c.EnablePrometheus, c.Registerer = true, taken
	if _, err := NewNetwork(c); err == nil {
		t.Error("a network whose instruments can not be registered")
	}
}

func TestH5NetworksShareARegistry(t *testing.T) { synctest.Test(t, testH5) }

// H5: several networks of one process show their sum, and one that has stopped
// is no part of it.
func testH5(t *testing.T) {
	netw := mem.New(time.Millisecond)
	r := prometheus.NewRegistry()
	c := local(11)
	c.EnablePrometheus, c.Registerer = true, r
	a := virtual(t, netw, 1, c)
	c.Special = place(1)
	b, d := virtual(t, netw, 2, c), virtual(t, netw, 3, c)
	time.Sleep(5 * time.Second)
	for range 10 {
		b.BlockingSend(NewParcel(FullBroadcast, make([]byte, 3000)))
	}
	time.Sleep(1500 * time.Millisecond)
	links := float64(a.Total() + b.Total() + d.Total())
	got := gather(t, r)
	for name, want := range map[string]float64{
		"peers_online": links, "tech_sendroutines": links, "peers_connecting": 0, "dropped_to_network": 0,
		"messages_sent": 10 * float64(b.Total()), "messages_received": 10 * float64(b.Total()), "from_network": 10 * float64(b.Total()),
	} {
		if v := value(got[prefix+name]); v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	h := got[prefix+"parcels_size"].Metric[0].Histogram
	if k := uint64(20 * b.Total()); h.GetSampleCount() != k || h.Bucket[1].GetCumulativeCount() != k || h.Bucket[0].GetCumulativeCount() != 0 || h.GetSampleSum() != 2*float64(k) {
		t.Errorf("sizes: %v", h)
	}
	b.Stop()
	d.Stop()
	a.Stop()
	if v := value(gather(t, r)[prefix+"peers_online"]); v != 0 {
		t.Errorf("%v online after all have stopped", v)
	}
}

// The histogram counts alike one by one and together, and agrees with the
// library's on where the limits are.
func TestSizes(t *testing.T) {
	s := newSizes()
	x := &exhibit{sizes: s}
	lib := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Buckets: prometheus.ExponentialBuckets(1, 2, sizeBuckets)})
	var ms []dialect.Message
	for _, kib := range []int{0, 1, 2, 3, 4, 5, 1024, 1025, 32768, 32769, 100000} {
		lib.Observe(float64(kib))
		lib.Observe(float64(kib))
		s.Observe(float64(kib))
		ms = append(ms, dialect.Message{Body: make([]byte, kib<<10)})
	}
	x.received(ms)
	var got, want dto.Metric
	if s.Write(&got) != nil || lib.Write(&want) != nil {
		t.Fatal("not written")
	}
	for i, b := range want.Histogram.Bucket {
		if g := got.Histogram.Bucket[i]; g.GetCumulativeCount() != b.GetCumulativeCount() || g.GetUpperBound() != b.GetUpperBound() {
			t.Errorf("bucket %d: %v, want %v", i, g, b)
		}
	}
	if got.Histogram.GetSampleCount() != want.Histogram.GetSampleCount() || got.Histogram.GetSampleSum() != want.Histogram.GetSampleSum() {
		t.Errorf("got %v, want %v", got.Histogram, want.Histogram)
	}
	other := &exhibit{p: Prometheus{ParcelSize: lib}}
	other.received(ms[:2])
	other.sent(1000, 3)
	if lib.Write(&want); want.Histogram.GetSampleCount() != 22+5 {
		t.Errorf("%d in a histogram of another make", want.Histogram.GetSampleCount())
	}
}
