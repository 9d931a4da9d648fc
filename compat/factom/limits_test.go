package p2p

import (
	"crypto/sha1"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPeerHashCache(t *testing.T) { synctest.Test(t, testPeerHashCache) }

func testPeerHashCache(t *testing.T) {
	pr := NewPeerHashCache(3, 20*time.Second)
	h := sha1.Sum([]byte("x"))
	if pr.Has(h) {
		t.Error("seen before it was added")
	}
	pr.Add(h)
	time.Sleep(40*time.Second - 1)
	if !pr.Has(h) || pr.Has(sha1.Sum([]byte("y"))) {
		t.Error("not remembered for two intervals")
	}
	time.Sleep(20*time.Second + 1)
	if pr.Has(h) {
		t.Error("remembered after three intervals")
	}
	pr.Add(h)
	time.Sleep(24 * time.Hour)
	if pr.Has(h) {
		t.Error("remembered for a day")
	}
	pr.Stop()
	pr.Add(h)
	if pr.Has(h) {
		t.Error("remembers after Stop")
	}
	defer func() {
		if recover() == nil {
			t.Error("a second Stop did not panic")
		}
	}()
	pr.Stop()
}

// H25: a cache is bounded, however many hashes come within an interval.
func TestH25PeerHashCacheIsBounded(t *testing.T) {
	pr := NewPeerHashCache(2, time.Hour)
	var first, h [sha1.Size]byte
	for i := range 1 << 16 {
		h = [sha1.Size]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}
		if i == 0 {
			first = h
		}
		pr.Add(h)
	}
	if pr.Has(first) || !pr.Has(h) {
		t.Error("the oldest must go and the newest stay")
	}
	if n := pr.seen.Len(); n > 2<<14 {
		t.Errorf("%d hashes are kept", n)
	}
}

func TestMetricsReadWriter(t *testing.T) {
	a, b := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(b, b) })
	var m ReadWriteCollector = NewMetricsReadWriter(a)
	if _, err := m.Write([]byte("12345")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(m, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if mw, mr, bw, br := m.Collect(); mw != 1 || mr != 1 || bw != 5 || br != 5 {
		t.Errorf("%d, %d, %d, %d", mw, mr, bw, br)
	}
	if mw, mr, bw, br := m.Collect(); mw+mr+bw+br != 0 {
		t.Errorf("collected twice: %d, %d, %d, %d", mw, mr, bw, br)
	}
	a.Close()
	wg.Wait()
}

func TestDialer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ep, err := ParseEndpoint(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDialer("127.0.0.1", time.Hour, patienceOf)
	if err != nil {
		t.Fatal(err)
	}
	if !d.CanDial(ep) {
		t.Error("can not dial at first")
	}
	c, err := d.Dial(ep)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if d.CanDial(ep) {
		t.Error("can dial again at once")
	}
	if _, err := d.Dial(ep); !errors.Is(err, errTooSoon) {
		t.Errorf("dialed again: %v", err)
	}
	if _, err := d.Dial(Endpoint{"a b", "1"}); err == nil {
		t.Error("dialed nowhere")
	}
	if d.Bind("nowhere") == nil || d.Bind("") != nil || d.Bind("[::1]") != nil {
		t.Error("bind")
	}
	if _, err := NewDialer("nowhere", 0, 0); err == nil {
		t.Error("a dialer from nowhere")
	}
}

func TestLimitedListener(t *testing.T) {
	ll, err := NewLimitedListener("127.0.0.1:0", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		c, err := net.Dial("tcp", ll.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got, err := ll.Accept()
		if (err == nil) != (i == 0) || err != nil && !errors.Is(err, ErrTooOften) {
			t.Errorf("connection %d: %v", i, err)
		}
		if err == nil {
			got.Close()
		}
		c.Close()
	}
	ll.Close()
	if _, err := ll.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := NewLimitedListener("nowhere:x", 0); err == nil {
		t.Error("listens nowhere")
	}
}

func TestPeerStore(t *testing.T) {
	ps := NewPeerStore()
	a := &Peer{Hash: "a", IsIncoming: true, Endpoint: Endpoint{"1.1.1.1", "1"}}
	b := &Peer{Hash: "b", Endpoint: Endpoint{"1.1.1.1", "2"}}
	twin := &Peer{Hash: "a", Endpoint: Endpoint{"1.1.1.1", "1"}}
	for _, p := range []*Peer{a, b} {
		if err := ps.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if ps.Add(twin) == nil || ps.Add(nil) == nil {
		t.Error("a second peer of a hash, or none, was added")
	}
	ps.Remove(twin)
	ps.Remove(nil)
	if ps.Get("a") != a || ps.Get("c") != nil {
		t.Error("got another")
	}
	if ps.Total() != 2 || ps.Incoming() != 1 || ps.Outgoing() != 1 || ps.Count("1.1.1.1") != 2 || ps.Connections("1.1.1.2") != 0 {
		t.Errorf("%d in all, %d in, %d out, %d there", ps.Total(), ps.Incoming(), ps.Outgoing(), ps.Count("1.1.1.1"))
	}
	if !ps.Connected(a.Endpoint) || ps.Connected(Endpoint{"1.1.1.1", "3"}) || len(ps.Slice()) != 2 {
		t.Error("connected")
	}
	ps.Remove(a)
	ps.Remove(a)
	if ps.Total() != 1 || ps.Incoming() != 0 || ps.Count("1.1.1.1") != 1 {
		t.Error("after removing one")
	}
	// A peer without a connection does nothing, but does not crash.
	a.Stop()
	a.Send(NewParcel("", []byte("x")))
	if m := a.GetMetrics(); m.Dropped != 1 || m.Hash != "a" || a.String() != "a" || a.SendFillRatio() != 0 || a.LastSendAge() != 0 {
		t.Errorf("%+v", m)
	}
}

func TestWebScannerFile(t *testing.T) {
	var all []string
	path := write(t, "one\ntwo\n")
	if err := WebScanner("file://"+path, func(line string) { all = append(all, line) }); err != nil || strings.Join(all, " ") != "one two" {
		t.Errorf("%q, %v", all, err)
	}
	if WebScanner(path+"x", func(string) {}) == nil {
		t.Error("a file that is not there was read")
	}
}
