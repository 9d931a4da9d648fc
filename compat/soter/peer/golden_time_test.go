package peer_test

import (
	"bytes"
	"regexp"
	"strconv"
	"testing"
	"time"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
	"parley/internal/golden"
)

// behaviour loads what was recorded of soterd on a virtual clock.
func behaviour(t *testing.T, name string, into any) {
	t.Helper()
	golden.Load(t, "../../../dialect/bitcoin/testdata/behaviour_"+name, into)
}

// TestGoldenStall queues each command of the recording after a second, and never
// answers it.
func TestGoldenStall(t *testing.T) {
	var r struct {
		Expect []struct {
			Command string
			After   int `json:"disconnected_after_s"`
		}
	}
	behaviour(t, "stall", &r)
	if len(r.Expect) != 12 {
		t.Fatalf("%d commands, want 12", len(r.Expect))
	}
	var stop chainhash.Hash
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
	commands := map[string]wire.Message{
		wire.CmdMemPool: wire.NewMsgMemPool(), wire.CmdGetBlocks: wire.NewMsgGetBlocks(&stop),
		wire.CmdGetData: wire.NewMsgGetData(), wire.CmdGetHeaders: wire.NewMsgGetHeaders(),
		wire.CmdPing: wire.NewMsgPing(1), wire.CmdGetAddr: wire.NewMsgGetAddr(), wire.CmdGetAddrCache: wire.NewMsgGetAddrCache(),
		wire.CmdGetCFilters:  wire.NewMsgGetCFilters(wire.GCSFilterRegular, 0, &stop),
		wire.CmdGetCFHeaders: wire.NewMsgGetCFHeaders(wire.GCSFilterRegular, 0, &stop),
		wire.CmdGetCFCheckpt: wire.NewMsgGetCFCheckpt(wire.GCSFilterRegular, &stop),
		wire.CmdTx:           tx, wire.CmdVersion: versionToQueue(),
	}
	for _, c := range r.Expect {
		t.Run(c.Command, func(t *testing.T) {
			bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, rem *remote) {
				defer rem.keepTalking(p)()
				start := time.Now()
				time.AfterFunc(time.Second, func() { p.QueueMessage(commands[c.Command], nil) })
				watched := time.AfterFunc(20*time.Minute, p.Disconnect)
				p.WaitForDisconnect()
				got := int(time.Since(start).Seconds())
				if !watched.Stop() {
					got = -1
				}
				if got != c.After {
					t.Errorf("ended after %d s, want %d", got, c.After)
				}
			})
		})
	}
}

var stamp = regexp.MustCompile(`^t=(\d+)s inv`)

// TestGoldenTrickle queues the inventory of the recording and compares every
// announcement, to the byte and to the second.
func TestGoldenTrickle(t *testing.T) {
	var r recording
	behaviour(t, "trickle", &r)
	var want []recordedFrame
	for _, f := range r.Frames {
		if stamp.MatchString(f.Meaning) {
			want = append(want, f)
		}
	}
	last := func(i int) *wire.InvVect { // what the i-th announcement from the end holds
		_, m, _, err := wire.ReadMessageN(bytes.NewReader(want[len(want)-i].bytes(t)), wire.ProtocolVersion, wire.SimNet)
		if err != nil {
			t.Fatal(err)
		}
		return m.(*wire.MsgInv).InvList[0]
	}
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, rem *remote) {
		start := time.Now()
		time.AfterFunc(time.Second, func() {
			for n := range 2500 {
				p.QueueInventory(inv(wire.InvTypeTx, n))
			}
		})
		time.AfterFunc(11*time.Second, func() {
			higher := inv(wire.InvTypeTx, 2499)
			higher.Height = 1
			for _, v := range []*wire.InvVect{inv(wire.InvTypeTx, 2499), inv(wire.InvTypeTx, 1500), inv(wire.InvTypeTx, 1499), higher} {
				p.QueueInventory(v)
			}
		})
		time.AfterFunc(21*time.Second, func() {
			for _, v := range []*wire.InvVect{last(2), last(2), last(1)} {
				p.QueueInventory(v)
			}
		})
		for i, f := range want {
			b, err := wire.AppendMessage(nil, rem.want(wire.CmdInv), wire.ProtocolVersion, wire.SimNet, wire.BaseEncoding)
			if err != nil || !bytes.Equal(b, f.bytes(t)) {
				t.Errorf("announcement %d differs, %v", i, err)
			}
			after := time.Since(start)
			if sec, _ := strconv.Atoi(stamp.FindStringSubmatch(f.Meaning)[1]); after != time.Duration(sec)*time.Second {
				t.Errorf("announcement %d is sent after %v, want %d s", i, after, sec)
			}
		}
	})
}
