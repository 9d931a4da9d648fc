package peer_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// TestGoldenSession lets two peers have the conversation that two of soterd's had, at
// the same times, and compares which listeners were called and what both know in the
// end, down to the bytes. The virtual clock begins when soterd's did.
func TestGoldenSession(t *testing.T) {
	r := recordingsOf(t, "session_two_peers", 1)["session_two_peers"]
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		in := peer.NewInboundPeer(sessionConfig("in", &calls))
		out, err := peer.NewOutboundPeer(sessionConfig("out", &calls), "10.0.0.1:18555")
		if err != nil {
			t.Fatal(err)
		}
		dialer, listener := pipe()
		in.AssociateConnection(listener)
		out.AssociateConnection(dialer)
		synctest.Wait()
		start := time.Now()
		for _, f := range r.Frames[4:] {
			var second int
			fmt.Sscanf(f.Meaning, "t=%ds", &second)
			time.Sleep(time.Until(start.Add(time.Duration(second) * time.Second)))
			from := out
			if f.Dir == "in->out" {
				from = in
			}
			sayAgain(t, from, f.bytes(t))
			synctest.Wait()
		}
		if !slices.Equal(calls, r.Expect.Callbacks) {
			t.Errorf("called\n%q, want\n%q", calls, r.Expect.Callbacks)
		}
		for p, want := range map[*peer.Peer]string{in: r.Expect.Inbound, out: r.Expect.Outbound} {
			s := p.StatsSnapshot()
			for _, at := range []*time.Time{&s.LastSend, &s.LastRecv, &s.ConnTime, &s.LastPingTime} {
				*at = at.Round(0).UTC()
			}
			got := fmt.Sprintf("%+v", *s)
			if withoutID(got) != withoutID(want) {
				t.Errorf("the snapshot is\n%s, want\n%s", got, want)
			}
		}
		gone(in, out)
	})
}

// withoutID takes out of a snapshot what counts the peers of a process.
func withoutID(s string) string { return regexp.MustCompile(`ID:\d+`).ReplaceAllString(s, "") }

// sayAgain queues the message of a frame, unless peers say it themselves.
func sayAgain(t *testing.T, p *peer.Peer, frame []byte) {
	t.Helper()
	m, _, err := wire.ReadMessage(bytes.NewReader(frame), wire.ProtocolVersion, wire.SimNet)
	if err != nil {
		t.Fatal(err)
	}
	if m.Command() != wire.CmdPong {
		p.QueueMessageWithEncoding(m, nil, wire.WitnessEncoding)
	}
}

// sessionConfig is how the recorded peers were configured.
func sessionConfig(who string, calls *[]string) *peer.Config {
	note := func(format string, args ...any) {
		*calls = append(*calls, who+" "+fmt.Sprintf(format, args...))
	}
	cfg := config(peer.MessageListeners{
		OnGetAddr:      func(*peer.Peer, *wire.MsgGetAddr) { note("OnGetAddr") },
		OnGetAddrCache: func(*peer.Peer, *wire.MsgGetAddrCache) { note("OnGetAddrCache") },
		OnAddrCache:    func(_ *peer.Peer, m *wire.MsgAddrCache) { note("OnAddrCache %d", m.Len()) },
		OnGetBlocks:    func(*peer.Peer, *wire.MsgGetBlocks) { note("OnGetBlocks") },
		OnGetHeaders:   func(*peer.Peer, *wire.MsgGetHeaders) { note("OnGetHeaders") },
		OnGetData:      func(_ *peer.Peer, m *wire.MsgGetData) { note("OnGetData %d", len(m.InvList)) },
		OnInv:          func(_ *peer.Peer, m *wire.MsgInv) { note("OnInv %d", len(m.InvList)) },
		OnBlock:        func(_ *peer.Peer, _ *wire.MsgBlock, buf []byte) { note("OnBlock buf=%d", len(buf)) },
		OnTx:           func(_ *peer.Peer, m *wire.MsgTx) { note("OnTx witness=%v", m.HasWitness()) },
		OnPong:         func(_ *peer.Peer, m *wire.MsgPong) { note("OnPong %x", m.Nonce) },
	})
	if who == "out" {
		cfg.Listeners.OnVersion = func(*peer.Peer, *wire.MsgVersion) { note("OnVersion") }
		cfg.Listeners.OnVerAck = func(*peer.Peer, *wire.MsgVerAck) { note("OnVerAck") }
	}
	cfg.Services = wire.SFNodeNetwork | wire.SFNodeWitness
	cfg.NewestBlock = func() (*chainhash.Hash, int32, error) { return &chainhash.Hash{}, 77, nil }
	return cfg
}
