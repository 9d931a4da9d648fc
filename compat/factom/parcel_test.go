package p2p

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestParcelChannelDropsHalf(t *testing.T) {
	ch := make(ParcelChannel, 10)
	for i := range 10 {
		if ok, dropped := ch.Send(NewParcel("", []byte{byte(i)})); !ok || dropped != 0 {
			t.Fatalf("parcel %d: %v, %d dropped", i, ok, dropped)
		}
	}
	if ch.FillRatio() != 1 {
		t.Errorf("full: ratio %v", ch.FillRatio())
	}
	if ok, dropped := ch.Send(NewParcel("", []byte{10})); ok || dropped != 5 {
		t.Errorf("over the top: %v, %d dropped, want false, 5", ok, dropped)
	}
	if len(ch) != 6 {
		t.Errorf("%d left, want 6", len(ch))
	}
	for want := 5; want <= 10; want++ {
		if p := <-ch.Reader(); int(p.Payload[0]) != want {
			t.Errorf("got %d, want %d: the oldest are dropped first", p.Payload[0], want)
		}
	}
	var none ParcelChannel = make(chan *Parcel)
	if ok, dropped := none.Send(NewParcel("", nil)); ok || dropped != 1 || none.FillRatio() != 0 {
		t.Errorf("without capacity: %v, %d dropped, ratio %v", ok, dropped, none.FillRatio())
	}
}

// H3: sending to a channel never waits, even if a reader empties it between a
// look at its length and taking something out.
func TestH3ParcelChannelNeverBlocks(t *testing.T) {
	ch := make(ParcelChannel, 4)
	const count = 50000
	var wg sync.WaitGroup
	got := make(chan int, 1)
	stop := make(chan struct{})
	wg.Go(func() {
		n := 0
		for {
			select {
			case <-ch:
				n++
			case <-stop:
				got <- n + len(ch)
				return
			}
		}
	})
	dropped := make([]int, 2)
	var senders sync.WaitGroup
	for s := range dropped {
		senders.Go(func() {
			for range count {
				_, d := ch.Send(NewParcel("", []byte{1}))
				dropped[s] += d
			}
		})
	}
	senders.Wait()
	close(stop)
	wg.Wait()
	if n := <-got; n+dropped[0]+dropped[1] != 2*count {
		t.Errorf("%d arrived and %v were counted as dropped, of %d", n, dropped, 2*count)
	}
}

func TestParcel(t *testing.T) {
	for _, c := range []struct {
		p    *Parcel
		text string
		app  bool
		bad  string
	}{
		{NewParcel(Broadcast, []byte("abc")), "[Message] 3B", true, ""},
		{&Parcel{Payload: []byte("abc")}, "[Message] 3B", true, ""},
		{&Parcel{ptype: TypeMessagePart, Payload: []byte("abc")}, "[MessagePart] 3B", true, ""},
		{&Parcel{ptype: TypePing, Payload: []byte("Ping")}, "[Ping] 4B", false, ""},
		{&Parcel{ptype: 10, Payload: []byte("Ping")}, "[ParcelType(10)] 4B", false, "type 10"},
		{NewParcel("", nil), "[Message] 0B", true, "without payload"},
		{NewParcel("", make([]byte, maxPayload+1)), fmt.Sprintf("[Message] %dB", maxPayload+1), true, "limit"},
	} {
		if c.p.String() != c.text || c.p.IsApplicationMessage() != c.app {
			t.Errorf("%s, %v, want %s, %v", c.p, c.p.IsApplicationMessage(), c.text, c.app)
		}
		if err := c.p.Valid(); (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%s: %v, want %q", c.p, err, c.bad)
		}
	}
	if (*Parcel)(nil).Valid() == nil {
		t.Error("nil is valid")
	}
}

// The numbers of the protocol are those that the original computed.
func TestAlgorithms(t *testing.T) {
	var r struct {
		StringToUint32 []struct {
			Dec   uint32
			Input string
		}
		NewNetworkID []struct{ Input, String string }
		IP2Location  []struct {
			Input string
			Quick uint32 `json:"IP2LocationQuick"`
			Slow  uint32 `json:"IP2Location"`
		}
		Endpoint []struct {
			IP, Port, String string
			Valid            bool
			Parses           bool `json:"ParseEndpoint_of_String_ok"`
		}
	}
	loadJSON(t, "p2p/algorithms", &r)
	if len(r.StringToUint32) < 3 || len(r.NewNetworkID) < 3 || len(r.IP2Location) < 3 || len(r.Endpoint) < 10 {
		t.Fatalf("few cases: %+v", r)
	}
	for _, c := range r.StringToUint32 {
		if got := StringToUint32(c.Input); got != c.Dec {
			t.Errorf("StringToUint32(%q) = %d, want %d", c.Input, got, c.Dec)
		}
	}
	for _, c := range r.NewNetworkID {
		if got := NewNetworkID(c.Input).String(); got != c.String {
			t.Errorf("NewNetworkID(%q) = %s, want %s", c.Input, got, c.String)
		}
	}
	for _, c := range r.IP2Location {
		if got := IP2LocationQuick(c.Input); got != c.Quick {
			t.Errorf("IP2LocationQuick(%q) = %d, want %d", c.Input, got, c.Quick)
		}
		if c.Quick == 0 {
			continue // a name: the answer is the resolver's
		}
		if got, err := IP2Location(c.Input); got != c.Slow || err != nil {
			t.Errorf("IP2Location(%q) = %d, %v, want %d", c.Input, got, err, c.Slow)
		}
	}
	for _, c := range r.Endpoint {
		ep := Endpoint{c.IP, c.Port}
		// Resolvers know these names, and container networks use them.
		more := strings.Contains(c.IP, "_") || strings.HasSuffix(c.IP, ".")
		if ep.Valid() && !c.Valid && !more {
			t.Errorf("%+v is valid, and was not", ep)
		}
		if again, err := ParseEndpoint(ep.String()); ep.Valid() && (err != nil || !again.Equal(ep)) {
			t.Errorf("%+v is written as %s and read as %+v, %v", ep, ep, again, err)
		}
	}
	if MainNet.String() != "MainNet" || TestNet.String() != "TestNet" || LocalNet.String() != "LocalNet" {
		t.Error("names of the networks")
	}
}

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		text string
		want Endpoint
	}{
		{"127.0.0.1:8108", Endpoint{"127.0.0.1", "8108"}},
		{" [2001:db8::1]:1 ", Endpoint{"2001:db8::1", "1"}},
		{"example.org:80", Endpoint{"example.org", "80"}},
		{"127.0.0.1", Endpoint{}}, {"2001:db8::1:8108", Endpoint{}}, {"127.0.0.1:0", Endpoint{}},
		{"127.0.0.1:65536", Endpoint{}}, {":80", Endpoint{}}, {"[fe80::1%eth0]:80", Endpoint{}}, {"", Endpoint{}},
	} {
		if got, err := ParseEndpoint(c.text); got != c.want || (err == nil) != got.Valid() {
			t.Errorf("%q: %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
	if _, err := NewEndpoint("not a host", "80"); err == nil {
		t.Error("a host with spaces")
	}
}
