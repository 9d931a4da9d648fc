package p2p

import (
	"bytes"
	"crypto/sha1"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sanitize changes the documented two and nothing else, also where everything is
// zero; Check then names every setting that can not work, at once.
func TestZeroConfiguration(t *testing.T) {
	var c Configuration
	c.Sanitize()
	if !reflect.DeepEqual(c, Configuration{}) {
		t.Errorf("zeros become %+v", c)
	}
	err := c.Check()
	for _, name := range []string{
		"ListenPort", "ProtocolVersion", "PeerShareAmount", "TargetPeers", "Fanout", "ChannelCapacity",
		"RoundTime", "HandshakeTimeout", "DialTimeout", "ReadDeadline", "WriteDeadline", "PeerShareTimeout",
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	d := DefaultP2PConfiguration()
	want := d
	d.Sanitize()
	if !reflect.DeepEqual(d, want) || d.Check() != nil {
		t.Errorf("the default is not fit: %+v, %v", d, d.Check())
	}
}

// Every duration and count is refused below and above what it may be, whatever
// Sanitize did before.
func TestSettingsOutOfRange(t *testing.T) {
	kind := reflect.TypeFor[Configuration]()
	tried := 0
	for i := range kind.NumField() {
		f := kind.Field(i)
		c := DefaultP2PConfiguration()
		v := reflect.ValueOf(&c).Elem().Field(i)
		switch {
		case f.Name == "PersistAge" || f.Name == "Incoming": // deprecated names of others
			continue
		case f.Type == reflect.TypeFor[time.Duration]():
			v.SetInt(math.MinInt64)
		case f.Type.Kind() == reflect.Uint:
			v.SetUint(math.MaxUint64)
		default:
			continue
		}
		tried++
		err := c.Check()
		if err == nil || !strings.Contains(err.Error(), f.Name) {
			t.Errorf("%s of %v: %v", f.Name, v, err)
		}
	}
	if tried < 20 {
		t.Errorf("tried %d settings only", tried)
	}
}

// message is what the types of V11 have in common.
type v11Message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
	Size() int
	Reset()
	String() string
}

// What the messages of V11 promise: the size is that of the wire form, which
// reads as what was written, and Reset leaves nothing.
func TestV11MessagesByTheBook(t *testing.T) {
	end := &V11Endpoint{Host: "10.0.0.1", Port: "8108"}
	for _, c := range []struct {
		m, empty v11Message
		shows    string
	}{
		{&V11Endpoint{Host: "10.0.0.1", Port: "8108"}, new(V11Endpoint), `Host:"10.0.0.1" Port:"8108"`},
		{&V11Msg{Type: 6, Payload: []byte("x")}, new(V11Msg), `Type:6 Payload:"x"`},
		{&V11Share{Share: []*V11Endpoint{end, end}}, new(V11Share), `8108`},
		{&V11Handshake{Type: 8, Network: 7, Version: 11, NodeID: 3, ListenPort: "1", Loopback: 9, Alternatives: []*V11Endpoint{end}}, new(V11Handshake), `8108`},
	} {
		b, err := c.m.Marshal()
		if err != nil || len(b) == 0 || len(b) != c.m.Size() {
			t.Errorf("%T: %d bytes, size %d, %v", c.m, len(b), c.m.Size(), err)
		}
		if err := c.empty.Unmarshal(b); err != nil || !reflect.DeepEqual(c.m, c.empty) || !strings.Contains(c.m.String(), c.shows) {
			t.Errorf("%T: %v reads as %v, %v", c.m, c.m, c.empty, err)
		}
		for cut := range b {
			if again, err := remade(c.empty, b[:cut]); err == nil && bytes.Equal(again, b) {
				t.Errorf("%T: %d of %d bytes read as all", c.m, cut, len(b))
			}
		}
		c.m.Reset()
		if b, _ := c.m.Marshal(); len(b) != 0 || c.m.Size() != 0 {
			t.Errorf("%T: %x after Reset", c.m, b)
		}
	}
	if new(V11Share).Unmarshal([]byte{1<<3 | 2, 2, 1<<3 | 2, 9}) == nil || new(V11Share).Unmarshal([]byte{1 << 3, 2}) == nil {
		t.Error("a damaged endpoint was read")
	}
}

// remade reads bytes and writes them again.
func remade(m v11Message, b []byte) ([]byte, error) {
	m.Reset()
	if err := m.Unmarshal(b); err != nil {
		return nil, err
	}
	return m.Marshal()
}

// Limits that make no sense are put right where the documentation has no error.
func TestSenselessLimits(t *testing.T) {
	for _, buckets := range []int{-1, 0, 1, math.MaxInt} {
		for _, interval := range []time.Duration{math.MinInt64, 0, time.Hour} {
			pr := NewPeerHashCache(buckets, interval)
			hash := sha1.Sum([]byte("x"))
			if pr.Add(hash); !pr.Has(hash) {
				t.Errorf("%d buckets of %v: forgotten at once", buckets, interval)
			}
			pr.Stop()
		}
	}
	for _, capacity := range []uint{0, 1, 2} {
		pc := make(ParcelChannel, capacity)
		for range 5 {
			pc.Send(NewParcel("", []byte("x")))
		}
		if r := pc.FillRatio(); r < 0 || r > 1 {
			t.Errorf("capacity %d: filled %v", capacity, r)
		}
	}
}

// A peer without a connection can be asked everything.
func TestPeerWithoutConnection(t *testing.T) {
	p := &Peer{Hash: "x", Endpoint: Endpoint{"1.2.3.4", "5"}, sent: new(sentBy)}
	p.Send(NewParcel("", []byte("x")))
	p.Stop()
	if m := p.GetMetrics(); m.Dropped != 1 || m.Hash != "x" || p.SendFillRatio() != 0 || p.LastSendAge() != 0 || p.String() != "x" {
		t.Errorf("%+v", m)
	}
	new(Peer).Stop()
}

// Setup uses the default registry, and a second call the same instruments.
func TestPrometheusSetup(t *testing.T) {
	old := prometheus.DefaultRegisterer
	defer func() { prometheus.DefaultRegisterer = old }()
	prometheus.DefaultRegisterer = prometheus.NewRegistry()
	var a, b Prometheus
	a.Setup()
	b.Setup()
	if a.Connections == nil || a.Connections != b.Connections {
		t.Error("not the same instruments")
	}
	prometheus.DefaultRegisterer = prometheus.NewRegistry()
	prometheus.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "peers_online"}))
	defer func() {
		if recover() == nil {
			t.Error("a name taken by something else was taken again")
		}
	}()
	new(Prometheus).Setup()
}

// A peer that is disconnected gets what was queued for it, and may come back.
func TestDisconnect(t *testing.T) {
	a, b := pair(t, numbered(local(10), 1), numbered(local(11), 2))
	old := only(t, a)
	a.BlockingSend(NewParcel(old.Hash, []byte("last words")))
	a.Disconnect(old.Hash)
	if p := next(t, b); string(p.Payload) != "last words" {
		t.Errorf("got %q", p.Payload)
	}
	eventually(t, "it is back", func() bool { p := a.peers.Get(old.Hash); return p != nil && p != old })
}
