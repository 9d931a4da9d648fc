package p2p

import (
	"strings"
	"testing"
	"time"

	"parley/node"
)

func TestDefaultsAreFine(t *testing.T) {
	c := DefaultP2PConfiguration()
	before := c
	c.Sanitize()
	if c != before {
		t.Error("Sanitize changes the defaults")
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// H6: settings with which the original crashed or hung are refused by name.
func TestH6CheckRefuses(t *testing.T) {
	for _, c := range []struct {
		want string
		set  func(*Configuration)
	}{
		{"ListenPort", func(c *Configuration) { c.ListenPort = "" }},
		{"ListenPort", func(c *Configuration) { c.ListenPort = "http" }},
		{"ListenPort", func(c *Configuration) { c.ListenPort = "65536" }},
		{"BindIP", func(c *Configuration) { c.BindIP = "localhost" }},
		{"PeerShareAmount", func(c *Configuration) { c.PeerShareAmount = 0 }},
		{"RoundTime", func(c *Configuration) { c.RoundTime = 0 }},
		{"TargetPeers", func(c *Configuration) { c.TargetPeers = 0 }},
		{"Fanout", func(c *Configuration) { c.Fanout = 0 }},
		{"HandshakeTimeout", func(c *Configuration) { c.HandshakeTimeout = 0 }},
		{"DialTimeout", func(c *Configuration) { c.DialTimeout = -1 }},
		{"ReadDeadline", func(c *Configuration) { c.ReadDeadline = 0 }},
		{"WriteDeadline", func(c *Configuration) { c.WriteDeadline = 0 }},
		{"ChannelCapacity", func(c *Configuration) { c.ChannelCapacity = 0 }},
		{"ChannelCapacity", func(c *Configuration) { c.ChannelCapacity = 1 << 62 }},
		{"PeerShareTimeout", func(c *Configuration) { c.PeerShareTimeout = 0 }},
		{"PeerRequestInterval", func(c *Configuration) { c.PeerRequestInterval = -1 }},
		{"ListenLimit", func(c *Configuration) { c.ListenLimit = -1 }},
		{"PingInterval", func(c *Configuration) { c.PingInterval = -1 }},
		{"RedialInterval", func(c *Configuration) { c.RedialInterval = -1 }},
		{"ManualBan", func(c *Configuration) { c.ManualBan = -1 }},
		{"PeerCacheAge", func(c *Configuration) { c.PeerCacheAge = -1 }},
		{"PeerReseedInterval", func(c *Configuration) { c.PeerReseedInterval = -1 }},
		{"ProtocolVersion", func(c *Configuration) { c.ProtocolVersion = 8 }},
		{"ProtocolVersion", func(c *Configuration) { c.ProtocolVersion = 12 }},
		{"ProtocolVersionMinimum", func(c *Configuration) { c.ProtocolVersionMinimum = 11 }},
		{"PeerResendBuckets", func(c *Configuration) { c.PeerResendBuckets = 0 }},
		{"PeerResendBuckets", func(c *Configuration) { c.PeerResendBuckets = -1 }},
		{"PeerResendInterval", func(c *Configuration) { c.PeerResendInterval = 0 }},
		{"special", func(c *Configuration) { c.Special = "1.2.3.4:0" }},
		{"special", func(c *Configuration) { c.Special = "1.2.3.4:80,a!b:80" }},
	} {
		conf := DefaultP2PConfiguration()
		conf.EnablePrometheus = false
		c.set(&conf)
		if _, err := NewNetwork(conf); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

// Zeros that mean something are accepted, and so is everything at its least.
func TestLeastSettings(t *testing.T) {
	c := Configuration{
		ListenPort: "0", BindIP: "127.0.0.1", PeerShareAmount: 1, PeerShareTimeout: 1, RoundTime: 1, TargetPeers: 1, Fanout: 1,
		HandshakeTimeout: 1, DialTimeout: 1, ReadDeadline: 1, WriteDeadline: 1, ProtocolVersion: 9, ChannelCapacity: 1,
	}
	n := start(t, c)
	n.BlockingSend(NewParcel(Broadcast, []byte("x")))
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
}

func TestOldNames(t *testing.T) {
	c := DefaultP2PConfiguration()
	c.PersistFile, c.PersistAge, c.Incoming = "f", time.Second, 3
	c.Sanitize()
	if c.PeerCacheFile != "f" || c.PeerCacheAge != time.Second || c.MaxIncoming != 3 {
		t.Errorf("%q, %v, %d", c.PeerCacheFile, c.PeerCacheAge, c.MaxIncoming)
	}
	c.MaxPeers = 2
	c.Sanitize()
	if c.MaxIncoming != 2 || c.DropTo != 2 {
		t.Errorf("incoming %d, drop to %d, want at most 2", c.MaxIncoming, c.DropTo)
	}
}

// Every setting arrives in the engine.
func TestSettingsOfTheEngine(t *testing.T) {
	c := DefaultP2PConfiguration()
	c.EnablePrometheus = false
	c.Special = "1.2.3.4:5; example.org:6,[::1]:7;9.9.9.9"
	c.PeerIPLimitIncoming = 3
	n, err := NewNetwork(c)
	if err != nil {
		t.Fatal(err)
	}
	e := n.engine()
	switch k := e.Core; {
	case k.Target != 32, k.Inbound != 36, k.PerHost != 3, k.RoundTime != 15*time.Minute, k.DropTo != 30, k.Offer != 3, k.Book.PerAnswer != 1, len(k.Always) != 4:
		t.Errorf("core: %+v", k)
	case k.Backoff<<redialSteps != c.RedialInterval:
		t.Errorf("pauses from %v, and %v at most", k.Backoff, c.RedialInterval)
	}
	if k := n.special.Load().always[3].String(); k != "9.9.9.9:8108" {
		t.Errorf("a special peer without a port is dialed at %s", k)
	}
	if e.OpenTimeout != 10*time.Second || e.WriteTimeout != 5*time.Minute || e.Full != node.DropOldest || e.Outbox != 8000<<10 || e.Dialect == nil {
		t.Errorf("node: %+v", e)
	}
	c.MaxIncoming, c.PeerIPLimitIncoming = 0, 0
	if n, err = NewNetwork(c); err != nil {
		t.Fatal(err)
	}
	if k := n.tuning(); k.Inbound != -1 || k.PerHost != -1 {
		t.Errorf("none and no limit: %+v", k)
	}
}

func TestHandshakeValid(t *testing.T) {
	c := DefaultP2PConfiguration()
	fine := Handshake{Network: MainNet, Version: 9, ListenPort: "8108", Alternatives: []Endpoint{{"1.2.3.4", "5"}}}
	for _, x := range []struct {
		what string
		set  func(*Handshake)
	}{
		{"", func(*Handshake) {}},
		{"", func(h *Handshake) { h.ListenPort = "+08108" }},
		{"version", func(h *Handshake) { h.Version = 8 }},
		{"network", func(h *Handshake) { h.Network = TestNet }},
		{"port", func(h *Handshake) { h.ListenPort = "" }},
		{"port", func(h *Handshake) { h.ListenPort = "65536" }},
		{"alternative", func(h *Handshake) { h.Alternatives = []Endpoint{{"", "5"}} }},
	} {
		h := fine
		x.set(&h)
		if err := h.Valid(&c); (err == nil) != (x.what == "") || err != nil && !strings.Contains(err.Error(), x.what) {
			t.Errorf("%+v: %v, want %q", h, err, x.what)
		}
	}
}

func TestV9MsgValid(t *testing.T) {
	fine := V9Msg{Header: V9Header{Version: 9, Length: 4, Crc32: 0x9e0f7d5e}, Payload: []byte("Ping")}
	if err := fine.Valid(); err != nil {
		t.Error(err)
	}
	for _, set := range []func(*V9Msg){
		func(m *V9Msg) { m.Header.Version = 10 },
		func(m *V9Msg) { m.Header.Length = 5 },
		func(m *V9Msg) { m.Header.Crc32++ },
		func(m *V9Msg) { m.Payload = nil },
	} {
		m := fine
		set(&m)
		if m.Valid() == nil {
			t.Errorf("%+v is valid", m)
		}
	}
}
