package peer_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// recorder has listeners that note the commands they were called for.
type recorder struct {
	mu     sync.Mutex
	calls  []string
	read   []string
	wrote  []string
	called chan string
}

func (r *recorder) note(list *[]string, s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = append(*list, s)
}

// heard returns a listener that notes a call.
func heard[M wire.Message](r *recorder) func(*peer.Peer, M) {
	return func(_ *peer.Peer, m M) {
		r.note(&r.calls, m.Command())
		r.called <- m.Command()
	}
}

// listeners returns one of every kind.
func (r *recorder) listeners() peer.MessageListeners {
	r.called = make(chan string, 100)
	return peer.MessageListeners{
		OnVersion: heard[*wire.MsgVersion](r), OnVerAck: heard[*wire.MsgVerAck](r),
		OnGetAddr: heard[*wire.MsgGetAddr](r), OnAddr: heard[*wire.MsgAddr](r),
		OnGetAddrCache: heard[*wire.MsgGetAddrCache](r), OnAddrCache: heard[*wire.MsgAddrCache](r),
		OnSendAddrV2: heard[*wire.MsgSendAddrV2](r), OnAddrV2: heard[*wire.MsgAddrV2](r),
		OnPing: heard[*wire.MsgPing](r), OnPong: heard[*wire.MsgPong](r),
		OnInv: heard[*wire.MsgInv](r), OnGetData: heard[*wire.MsgGetData](r),
		OnNotFound: heard[*wire.MsgNotFound](r), OnTx: heard[*wire.MsgTx](r),
		OnBlock: func(p *peer.Peer, m *wire.MsgBlock, buf []byte) {
			if len(buf) < wire.MaxBlockHeaderPayload {
				panic("no payload")
			}
			heard[*wire.MsgBlock](r)(p, m)
		},
		OnGetBlocks: heard[*wire.MsgGetBlocks](r), OnGetHeaders: heard[*wire.MsgGetHeaders](r),
		OnHeaders: heard[*wire.MsgHeaders](r), OnMemPool: heard[*wire.MsgMemPool](r),
		OnFilterLoad: heard[*wire.MsgFilterLoad](r), OnFilterAdd: heard[*wire.MsgFilterAdd](r),
		OnFilterClear: heard[*wire.MsgFilterClear](r), OnMerkleBlock: heard[*wire.MsgMerkleBlock](r),
		OnGetCFilters: heard[*wire.MsgGetCFilters](r), OnGetCFHeaders: heard[*wire.MsgGetCFHeaders](r),
		OnGetCFCheckpt: heard[*wire.MsgGetCFCheckpt](r), OnCFilter: heard[*wire.MsgCFilter](r),
		OnCFHeaders: heard[*wire.MsgCFHeaders](r), OnCFCheckpt: heard[*wire.MsgCFCheckpt](r),
		OnFeeFilter: heard[*wire.MsgFeeFilter](r), OnSendHeaders: heard[*wire.MsgSendHeaders](r),
		OnReject: heard[*wire.MsgReject](r), OnAlert: heard[*wire.MsgAlert](r),
		OnRead: func(_ *peer.Peer, n int, m wire.Message, err error) {
			if err != nil {
				r.note(&r.read, "error")
				return
			}
			r.note(&r.read, fmt.Sprint(m.Command(), " ", n))
		},
		OnWrite: func(_ *peer.Peer, n int, m wire.Message, err error) {
			r.note(&r.wrote, fmt.Sprint(m.Command(), " ", n))
		},
	}
}

// TestEveryListener sends every message. That for cfcheckpt is a defect of soter.md
// 0.9: it was never called.
func TestEveryListener(t *testing.T) {
	for _, params := range []*chaincfg.Params{&chaincfg.SimNetParams, &chaincfg.BitcoinSimNetParams} {
		t.Run(fmt.Sprint("bitcoin ", params.Bitcoin), func(t *testing.T) { everyListener(t, params) })
	}
}

func everyListener(t *testing.T, params *chaincfg.Params) {
	var rec recorder
	inCfg := config(rec.listeners())
	inCfg.ChainParams, inCfg.Services = params, wire.SFNodeBloom
	outCfg := config(peer.MessageListeners{})
	outCfg.ChainParams = params
	in, out := connect(t, inCfg, outCfg)

	for _, first := range []string{wire.CmdVersion, wire.CmdSendAddrV2, wire.CmdVerAck} {
		if first == wire.CmdSendAddrV2 && !params.Bitcoin {
			continue
		}
		if got := await(t, first, rec.called); got != first {
			t.Errorf("called for %s, want %s", got, first)
		}
	}
	for _, m := range everyMessage(params.Bitcoin) {
		out.QueueMessage(m, nil)
		if got := await(t, m.Command(), rec.called); got != m.Command() {
			t.Fatalf("called for %s, want %s", got, m.Command())
		}
	}
	if !in.WantsHeaders() || !in.Connected() || !out.Connected() {
		t.Errorf("headers %v, connected %v, %v", in.WantsHeaders(), in.Connected(), out.Connected())
	}
	gone(in, out)
	if n, size := total(rec.read); n != len(rec.calls) || size != int(in.BytesReceived()) {
		t.Errorf("OnRead for %d messages of %d bytes, want %d, %d", n, size, len(rec.calls), in.BytesReceived())
	}
	if _, size := total(rec.wrote); size != int(in.BytesSent()) {
		t.Errorf("OnWrite for %d bytes, want %d: %v", size, in.BytesSent(), rec.wrote)
	}
}

// total counts messages and their bytes.
func total(notes []string) (n, bytes int) {
	for _, s := range notes {
		var command string
		var size int
		fmt.Sscan(s, &command, &size)
		n, bytes = n+1, bytes+size
	}
	return n, bytes
}

// everyMessage returns one of each that is sent after the handshake.
func everyMessage(bitcoin bool) []wire.Message {
	var h chainhash.Hash
	header := wire.NewBlockHeader(1, &h, &h, 1, 1)
	ms := []wire.Message{
		wire.NewMsgGetAddr(), addrOf(1), wire.NewMsgPing(42), wire.NewMsgPong(42), wire.NewMsgAlert([]byte("payload"), []byte("signature")),
		wire.NewMsgMemPool(), someTx(), wire.NewMsgBlock(header), wire.NewMsgInv(), wire.NewMsgHeaders(), wire.NewMsgNotFound(),
		wire.NewMsgGetData(), wire.NewMsgGetBlocks(&h), wire.NewMsgGetHeaders(), &wire.MsgGetCFilters{}, &wire.MsgGetCFHeaders{},
		&wire.MsgGetCFCheckpt{}, &wire.MsgCFilter{Data: []byte("data")}, &wire.MsgCFHeaders{}, &wire.MsgCFCheckpt{}, wire.NewMsgFeeFilter(15000),
		wire.NewMsgFilterLoad([]byte{0x01}, 10, 0, 0), wire.NewMsgFilterAdd([]byte{1}), &wire.MsgFilterClear{}, wire.NewMsgMerkleBlock(header),
		wire.NewMsgReject("block", wire.RejectDuplicate, "dupe block"), wire.NewMsgSendHeaders(),
	}
	if bitcoin {
		return append(ms, &wire.MsgAddrV2{})
	}
	return append(ms, wire.NewMsgGetAddrCache(), &wire.MsgAddrCache{})
}

func addrOf(n int) *wire.MsgAddr {
	m := wire.NewMsgAddr()
	for k := range n {
		m.AddrList = append(m.AddrList, netAddr(k))
	}
	return m
}

func netAddr(k int) *wire.NetAddress {
	return wire.NewNetAddressTimestamp(time.Unix(1e9, 0), 1, []byte{10, byte(k >> 16), byte(k >> 8), byte(k)}, 8333)
}

// TestMessagesAreTheListeners lets listeners keep what they got: it does not change
// when more arrives.
func TestMessagesAreTheListeners(t *testing.T) {
	got := make(chan wire.Message, 300)
	in := config(peer.MessageListeners{
		OnTx:    func(_ *peer.Peer, m *wire.MsgTx) { got <- m },
		OnBlock: func(_ *peer.Peer, m *wire.MsgBlock, _ []byte) { got <- m },
	})
	_, out := connect(t, in, config(peer.MessageListeners{}))
	var want []chainhash.Hash
	for n := range 300 {
		tx := someTx()
		tx.LockTime = uint32(n)
		if n%10 != 0 {
			want = append(want, tx.TxHash())
			out.QueueMessage(tx, nil)
			continue
		}
		b := wire.NewMsgBlock(wire.NewBlockHeader(1, &chainhash.Hash{}, &chainhash.Hash{}, 1, uint32(n)))
		for k := range n * 7 {
			more := someTx()
			more.LockTime = uint32(k)
			b.AddTransaction(more)
		}
		b.AddTransaction(tx)
		want = append(want, tx.TxHash())
		out.QueueMessage(b, nil)
	}
	var kept []wire.Message
	for range want {
		kept = append(kept, await(t, "message", got))
	}
	for n, m := range kept {
		tx, ok := m.(*wire.MsgTx)
		if !ok {
			b := m.(*wire.MsgBlock)
			tx = b.Transactions[len(b.Transactions)-1]
		}
		if tx.TxHash() != want[n] {
			t.Errorf("message %d is another one by now", n)
		}
	}
}

// TestBloomWithoutService is what the README promises and soterd's peer did not do,
// soter.md 0.2: without the service bit, a remote that knows better is disconnected,
// and nobody's callbacks are called.
func TestBloomWithoutService(t *testing.T) {
	for _, m := range []wire.Message{wire.NewMsgFilterLoad([]byte{1}, 1, 0, 0), wire.NewMsgFilterAdd([]byte{1}), &wire.MsgFilterClear{}} {
		for pver, ends := range map[uint32]bool{wire.BIP0111Version - 1: false, wire.BIP0111Version: true, wire.ProtocolVersion: true} {
			t.Run(fmt.Sprint(m.Command(), pver), func(t *testing.T) {
				var rec recorder
				p := peer.NewInboundPeer(config(rec.listeners()))
				r := against(t, p, &chaincfg.SimNetParams)
				r.send(r.version(pver, 0))
				r.want(wire.CmdVersion)
				r.want(wire.CmdVerAck)
				r.send(&wire.MsgVerAck{}, m)
				if ends {
					r.wantEnd()
					p.WaitForDisconnect()
				} else {
					r.send(wire.NewMsgPing(1))
					r.want(wire.CmdPong)
					gone(p)
				}
				for _, c := range rec.calls {
					if c == m.Command() {
						t.Error("the listener was called")
					}
				}
			})
		}
	}
}
