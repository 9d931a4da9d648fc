package peer_test

import (
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// TestWaitForDisconnectWaits is a defect of soter.md 1.12: it returned when closing
// began, while listeners still ran.
func TestWaitForDisconnectWaits(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var left atomic.Bool
	in, out := connect(t,
		config(peer.MessageListeners{OnPing: func(*peer.Peer, *wire.MsgPing) {
			close(entered)
			<-leave
			left.Store(true)
		}}), config(peer.MessageListeners{}))
	out.QueueMessage(wire.NewMsgPing(1), nil)
	await(t, "ping", entered)
	in.Disconnect()
	if in.Connected() {
		t.Error("it is connected after Disconnect")
	}
	waited := make(chan struct{})
	go func() {
		in.WaitForDisconnect()
		if !left.Load() {
			t.Error("it returned while a listener ran")
		}
		close(waited)
	}()
	close(leave)
	await(t, "end of waiting", waited)
}

// TestDisconnectFirst is a defect of soter.md 1.12: a connection that came after
// Disconnect was never closed.
func TestDisconnectFirst(t *testing.T) {
	p := newOutbound(t, config(peer.MessageListeners{}))
	p.Disconnect()
	p.Disconnect()
	dialer, listener := net.Pipe()
	p.AssociateConnection(dialer)
	if _, err := listener.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
	p.WaitForDisconnect()
	if p.Connected() || p.LocalAddr() != nil {
		t.Errorf("connected %v, local address %v", p.Connected(), p.LocalAddr())
	}
}

// TestAssociateTwice is another: a second connection was ignored and left open. The
// first one again is no second one.
func TestAssociateTwice(t *testing.T) {
	p := newOutbound(t, config(peer.MessageListeners{}))
	dialer, listener := loopback(t)
	p.AssociateConnection(dialer)
	p.AssociateConnection(dialer)
	second, other := net.Pipe()
	p.AssociateConnection(second)
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("the second connection is open")
	}
	if _, m, _, err := wire.ReadMessageN(listener, wire.ProtocolVersion, wire.SimNet); err != nil || m.Command() != wire.CmdVersion {
		t.Errorf("on the first one came %v, %v", m, err)
	}
	gone(p)
	listener.Close()
}

// TestGettersRace calls everything that may be called at any time while a peer goes
// through its life: soterd's getters raced with AssociateConnection.
func TestGettersRace(t *testing.T) {
	for range 5 {
		cfg := config(peer.MessageListeners{})
		in, out := peer.NewInboundPeer(cfg), newOutbound(t, cfg)
		dialer, listener := loopback(t)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for _, p := range []*peer.Peer{in, out} {
			wg.Go(func() {
				for {
					useEverything(p)
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		in.AssociateConnection(listener)
		out.AssociateConnection(dialer)
		done := make(chan struct{}, 1)
		out.QueueMessage(wire.NewMsgPing(1), done)
		await(t, "signal", done)
		gone(in, out)
		close(stop)
		wg.Wait()
	}
}

func useEverything(p *peer.Peer) {
	_ = p.String() + p.Addr() + p.UserAgent()
	_, _, _ = p.NA(), p.LocalAddr(), p.StatsSnapshot()
	_, _, _ = p.ID(), p.Services(), p.ProtocolVersion()
	_, _, _ = p.VersionKnown(), p.VerAckReceived(), p.Connected()
	_, _, _ = p.WantsHeaders(), p.IsWitnessEnabled(), p.Inbound()
	_, _, _ = p.LastAnnouncedBlock(), p.MaxBlockHeight(), p.StartingHeight()
	_, _, _ = p.TimeOffset(), p.TimeConnected(), p.LastSend()
	_, _, _ = p.LastRecv(), p.BytesSent(), p.BytesReceived()
	_, _, _ = p.LastPingNonce(), p.LastPingTime(), p.LastPingMicros()
	p.UpdateMaxBlockHeight(1)
	p.UpdateLastAnnouncedBlock(&chainhash.Hash{})
	p.AddKnownInventory(inv(wire.InvTypeTx, 1))
	p.QueueInventory(inv(wire.InvTypeTx, 2))
}

// rawFrame returns a message of a command with any payload.
func rawFrame(command string, payload []byte) []byte {
	h := chainhash.DoubleHashB(payload)
	n := len(payload)
	b := []byte{0x16, 0x1c, 0x14, 0x12}
	b = append(b, command+strings.Repeat("\x00", wire.CommandSize-len(command))...)
	b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	return append(append(b, h[:4]...), payload...)
}

// TestCrash is the defect of soter.md 0.4: 64 bytes ended a process, even as the first
// frame.
func TestCrash(t *testing.T) {
	payload := append([]byte{1}, make([]byte, 30)...)
	payload = append(payload, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	for _, shaken := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := peer.NewInboundPeer(config(peer.MessageListeners{}))
			r := against(t, p, &chaincfg.SimNetParams)
			if shaken {
				r.shake(wire.ProtocolVersion)
			}
			frame := rawFrame(wire.CmdAddrCache, payload)
			if len(frame) != 64 {
				t.Fatalf("%d bytes", len(frame))
			}
			r.conn.Write(frame)
			if m := r.want(wire.CmdReject).(*wire.MsgReject); m.Code != wire.RejectMalformed {
				t.Errorf("reject %+v", m)
			}
			r.wantEnd()
			p.WaitForDisconnect()
		})
	}
}

// TestAmplification is the defect of soter.md 0.5: 34 bytes of a transaction made the
// decoder allocate 149 MB, others as much as a million times what they had.
func TestAmplification(t *testing.T) {
	outputs := append([]byte{1, 0, 0, 0, 0}, 0xfe, 0x7f, 0xe3, 0x38, 0)
	inputs := append([]byte{1, 0, 0, 0}, 0xfe, 0xe1, 0x7c, 0x0c, 0)
	for name, c := range map[string]struct {
		command string
		payload []byte
	}{
		"outputs": {wire.CmdTx, outputs},
		"inputs":  {wire.CmdTx, inputs},
		"reject":  {wire.CmdReject, []byte{0xfe, 0, 0, 0, 2}},
		"alert":   {wire.CmdAlert, []byte{0xfe, 0, 0, 0, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			const times = 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range times {
				attackOnce(t, rawFrame(c.command, c.payload))
			}
			runtime.ReadMemStats(&after)
			if n := (after.TotalAlloc - before.TotalAlloc) / times; n > 200<<10 {
				t.Errorf("%d bytes of memory for a connection that sent %d bytes", n, len(c.payload))
			}
		})
	}
}

// attackOnce connects, sends a frame, and waits for the end.
func attackOnce(t *testing.T, frame []byte) {
	dialer, listener := pipe()
	p := peer.NewInboundPeer(config(peer.MessageListeners{}))
	p.AssociateConnection(listener)
	r := &remote{t: t, net: &chaincfg.SimNetParams, conn: dialer, got: make(chan wire.Message, 3)}
	go r.read()
	r.shake(wire.ProtocolVersion)
	dialer.Write(frame)
	r.want(wire.CmdReject)
	p.WaitForDisconnect()
	dialer.Close()
}

// TestUserAgent is the defect of soter.md 0.6: the protocol allows 256 bytes, and more
// than 240 broke the handshake.
func TestUserAgent(t *testing.T) {
	room := wire.MaxUserAgentLen - len(wire.DefaultUserAgent) - len("peer:/")
	for extra, works := range map[int]bool{-30: true, 0: true, 1: false} {
		cfg := config(peer.MessageListeners{})
		cfg.UserAgentVersion = strings.Repeat("1", room+extra)
		if works {
			_, out := connect(t, cfg, cfg)
			if n := len(out.UserAgent()); n != wire.MaxUserAgentLen+extra {
				t.Errorf("a user agent of %d bytes arrived, want %d", n, wire.MaxUserAgentLen+extra)
			}
			continue
		}
		p := newOutbound(t, cfg)
		against(t, p, &chaincfg.SimNetParams).wantEnd()
	}
}

// logLines is a logger of the kind that soterd and btcd have.
type logLines struct {
	mu    sync.Mutex
	lines int
}

func (l *logLines) Debugf(string, ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines++
}

func TestLog(t *testing.T) {
	var l logLines
	peer.UseLogger(&l)
	newOutbound(t, &peer.Config{}).Disconnect()
	peer.DisableLog()
	newOutbound(t, &peer.Config{}).Disconnect()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == 0 {
		t.Error("nothing is logged")
	}
}
