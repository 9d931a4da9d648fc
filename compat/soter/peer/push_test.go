package peer_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// TestPushAddrMsg sends a thousand at most, and which is random.
func TestPushAddrMsg(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		if sent, err := p.PushAddrMsg(nil); sent != nil || err != nil {
			t.Errorf("of nothing it sent %v, %v", sent, err)
		}
		few := addrOf(3).AddrList
		if sent, err := p.PushAddrMsg(few); err != nil || !slices.Equal(sent, few) {
			t.Errorf("of few it sent %v, %v", sent, err)
		}
		r.want(wire.CmdAddr)
		many := addrOf(1500).AddrList
		given := slices.Clone(many)
		sent, err := p.PushAddrMsg(given)
		if err != nil || len(sent) != 1000 || !slices.Equal(given, many) {
			t.Fatalf("of many it sent %d, %v", len(sent), err)
		}
		distinct := map[string]bool{}
		m := r.want(wire.CmdAddr).(*wire.MsgAddr)
		for n, na := range m.AddrList {
			distinct[na.IP.String()] = true
			if !na.IP.Equal(sent[n].IP) {
				t.Fatalf("address %d is %v, it says that it sent %v", n, na.IP, sent[n].IP)
			}
		}
		if len(distinct) != 1000 || slices.Equal(sent, many[:1000]) {
			t.Errorf("%d distinct addresses, the first thousand: %v", len(distinct), slices.Equal(sent, many[:1000]))
		}
	})
}

// TestPushAddrV2Msg sends a thousand at most to who understands them, and nothing to
// others.
func TestPushAddrV2Msg(t *testing.T) {
	got := make(chan *wire.MsgAddrV2, 2)
	btc := config(peer.MessageListeners{OnAddrV2: func(_ *peer.Peer, m *wire.MsgAddrV2) { got <- m }})
	btc.ChainParams = &chaincfg.BitcoinSimNetParams
	_, out := connect(t, btc, btc)
	if sent, err := out.PushAddrV2Msg(nil); sent != nil || err != nil {
		t.Errorf("of nothing it sent %v, %v", sent, err)
	}
	var many []*wire.NetAddressV2
	for n := range 1500 {
		many = append(many, &wire.NetAddressV2{Network: wire.NetworkIPv4, Addr: []byte{10, 1, byte(n >> 8), byte(n)}, Port: 1})
	}
	sent, err := out.PushAddrV2Msg(many)
	if err != nil || len(sent) != 1000 {
		t.Fatalf("of many it sent %d, %v", len(sent), err)
	}
	m := await(t, "addresses", got)
	if len(m.AddrList) != 1000 || !slices.Equal(m.AddrList[7].Addr, sent[7].Addr) {
		t.Errorf("%d addresses arrived, the eighth is %v, not %v", len(m.AddrList), m.AddrList[7], sent[7])
	}

	old := *btc
	old.ProtocolVersion = wire.AddrV2Version - 1
	_, toOld := connect(t, &old, btc)
	_, soter := connect(t, config(peer.MessageListeners{}), config(peer.MessageListeners{}))
	for name, p := range map[string]*peer.Peer{"an old version": toOld, "Soter": soter} {
		if sent, err := p.PushAddrV2Msg(many[:1]); sent != nil || err == nil || p.WantsAddrV2() {
			t.Errorf("to %s it sent %v, %v", name, sent, err)
		}
	}
}

// TestPushAddrCacheMsg sends everything, a thousand in each message: one of soterd's
// took a thousand and one and could not be encoded.
func TestPushAddrCacheMsg(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		if err := p.PushAddrCacheMsg(nil, nil, nil); err != nil {
			t.Error(err)
		}
		all := addrOf(2200).AddrList
		if err := p.PushAddrCacheMsg(all[:600], all[600:1200], all[1200:]); err != nil {
			t.Error(err)
		}
		for n, want := range [][3]int{{400, 600, 0}, {200, 0, 800}, {0, 0, 200}} {
			m := r.want(wire.CmdAddrCache).(*wire.MsgAddrCache)
			if got := [3]int{len(m.Inbound), len(m.Outbound), len(m.Known)}; got != want {
				t.Errorf("message %d has %v inbound, outbound and known ones, want %v", n, got, want)
			}
		}
		if err := p.PushAddrCacheMsg([]*wire.NetAddress{nil}, nil, nil); err == nil {
			t.Error("a nil address is no error")
		}
	})
}

func heights(hs ...int32) (l peer.BlockLocator) {
	for _, h := range hs {
		l = append(l, &h)
	}
	return l
}

// TestPushDuplicates asks nothing twice in a row, but for blocks without an end. What
// counts is what was asked, not with which pointers.
func TestPushDuplicates(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		ask := func(height int32, stop byte) {
			if err := p.PushGetBlocksMsg(heights(height), &chainhash.Hash{stop}); err != nil {
				t.Error(err)
			}
			if err := p.PushGetHeadersMsg(heights(height), &chainhash.Hash{stop}); err != nil {
				t.Error(err)
			}
		}
		for _, q := range []struct {
			height int32
			stop   byte
		}{{1, 1}, {1, 1}, {2, 1}, {2, 2}, {2, 2}, {0, 0}, {0, 0}} {
			ask(q.height, q.stop)
		}
		synctest.Wait()
		var got []string
		for range len(r.got) {
			switch m := (<-r.got).(type) {
			case *wire.MsgGetBlocks:
				got = append(got, fmt.Sprint("blocks ", *m.BlockLocatorHeights[0], m.HashStop[0]))
			case *wire.MsgGetHeaders:
				got = append(got, fmt.Sprint("headers ", *m.BlockLocatorHeights[0], m.HashStop[0]))
				if m.ProtocolVersion != 0 {
					t.Errorf("version %d", m.ProtocolVersion)
				}
			}
		}
		want := []string{"blocks 1 1", "headers 1 1", "blocks 2 1", "headers 2 1", "blocks 2 2", "headers 2 2", "blocks 0 0", "headers 0 0", "blocks 0 0"}
		if !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

func TestPushLocatorErrors(t *testing.T) {
	btc := config(peer.MessageListeners{})
	btc.ChainParams = &chaincfg.BitcoinSimNetParams
	soter := config(peer.MessageListeners{})
	for name, c := range map[string]struct {
		cfg *peer.Config
		l   peer.BlockLocator
	}{
		"two heights": {soter, heights(1, 2)},
		"nil":         {soter, peer.BlockLocator{nil}},
		"bitcoin":     {btc, heights(1)},
	} {
		p := newOutbound(t, c.cfg)
		if p.PushGetBlocksMsg(c.l, &chainhash.Hash{}) == nil || p.PushGetHeadersMsg(c.l, &chainhash.Hash{}) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestPushRejectMsg has a hash for blocks and transactions only, and waits if asked to.
func TestPushRejectMsg(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		h := chainhash.Hash{9}
		p.PushRejectMsg(wire.CmdTx, wire.RejectDuplicate, "tx", &h, true)
		p.PushRejectMsg(wire.CmdBlock, wire.RejectDuplicate, "block", nil, false)
		p.PushRejectMsg(wire.CmdPing, wire.RejectInvalid, "ping", &h, true)
		for _, want := range []wire.MsgReject{
			{Cmd: "tx", Code: wire.RejectDuplicate, Reason: "tx", Hash: h},
			{Cmd: "block", Code: wire.RejectDuplicate, Reason: "block"},
			{Cmd: "ping", Code: wire.RejectInvalid, Reason: "ping"},
		} {
			if m := r.want(wire.CmdReject).(*wire.MsgReject); *m != want {
				t.Errorf("reject %+v, want %+v", *m, want)
			}
		}
		p.Disconnect()
		p.PushRejectMsg(wire.CmdPing, wire.RejectInvalid, "gone", nil, true)
	})
}

// TestPushRejectOld sends nothing to remotes that do not know reject.
func TestPushRejectOld(t *testing.T) {
	p := newOutbound(t, config(peer.MessageListeners{}))
	r := against(t, p, &chaincfg.SimNetParams)
	r.shake(wire.RejectVersion - 1)
	p.PushRejectMsg(wire.CmdPing, wire.RejectInvalid, "ping", nil, true)
	p.QueueMessage(wire.NewMsgGetAddr(), nil)
	r.want(wire.CmdGetAddr)
}
