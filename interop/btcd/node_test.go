package btcd

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"

	theirhash "github.com/btcsuite/btcd/chainhash/v2"
	theirpeer "github.com/btcsuite/btcd/peer"
	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/node"
)

// events passes on what a node tells.
type events struct {
	up  chan *node.Link
	got chan dialect.Message
}

func (e events) Peer(l *node.Link, up bool, _ error) {
	if up {
		e.up <- l
	}
}

func (events) Note(*node.Link, any) {}

func (e events) Receive(_ *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		e.got <- m.Clone()
	}
}

// begin runs a node on a free port until the test ends.
func begin(t *testing.T, seeds ...addr.Addr) (*node.Node, events) {
	t.Helper()
	d, err := bitcoin.New(bitcoin.Config{
		Params: bitcoin.BitcoinSim(), Services: bitcoin.ServiceNetwork | bitcoin.ServiceWitness,
	})
	if err != nil {
		t.Fatal(err)
	}
	e := events{make(chan *node.Link, 9), make(chan dialect.Message, 99)}
	n, err := node.New(node.Config{
		Dialect: d, Handler: e, Seeds: seeds,
		Listen: []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	<-n.Ready()
	return n, e
}

// join connects a node with a peer of btcd's.
func join(t *testing.T, dialing bool, cfg *theirpeer.Config) (*node.Node, *node.Link, events, *theirpeer.Peer) {
	t.Helper()
	if !dialing {
		n, e := begin(t)
		at := n.Listening()[0].String()
		p, err := theirpeer.NewOutboundPeer(cfg, at)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		p.AssociateConnection(c)
		t.Cleanup(func() { p.Disconnect(); p.WaitForDisconnect() })
		return n, await(t, "link", e.up), e, p
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	at, err := addr.Parse(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, e := begin(t, at)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := theirpeer.NewInboundPeer(cfg)
	p.AssociateConnection(c)
	t.Cleanup(func() { p.Disconnect(); p.WaitForDisconnect() })
	return n, await(t, "link", e.up), e, p
}

// TestNode is the whole engine with btcd: it announces a block, which btcd asks for and
// gets; btcd announces a transaction, which the node asks for and gets.
func TestNode(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		_, theirTx := txs()
		_, block := blocks(2)
		txHash, blockHash := theirTx.TxHash(), block.BlockHash()
		gotBlock, pong := make(chan *theirwire.MsgBlock, 1), make(chan struct{}, 1)
		n, l, e, p := join(t, dialing, theirConfig(theirpeer.MessageListeners{
			OnInv: func(p *theirpeer.Peer, m *theirwire.MsgInv) {
				ask := theirwire.NewMsgGetData()
				ask.AddInvVect(m.InvList[0])
				p.QueueMessage(ask, nil)
			},
			OnGetData: func(p *theirpeer.Peer, m *theirwire.MsgGetData) {
				if m.InvList[0].Hash != txHash {
					t.Errorf("btcd was asked for %v", m.InvList[0].Hash)
				}
				p.QueueMessage(theirTx, nil)
			},
			OnBlock: func(_ *theirpeer.Peer, m *theirwire.MsgBlock, _ []byte) { gotBlock <- m },
			OnPong:  func(*theirpeer.Peer, *theirwire.MsgPong) { pong <- struct{}{} },
		}))
		hs, ok := l.Intro().Info.(*bitcoin.Handshake)
		if !ok || !hs.AddrV2 || hs.Dialed != dialing || l.Intro().Version != 70016 {
			t.Errorf("the handshake was %+v", l.Intro())
		}
		p.QueueMessage(theirwire.NewMsgPing(5), nil)
		await(t, "pong", pong)

		n.Command(bitcoin.Announce{Inv: []bitcoin.Inv{{Type: bitcoin.InvBlock, Hash: bitcoin.Hash(blockHash)}}})
		params := bitcoin.BitcoinSim()
		vs, err := params.ParseInvs(next(t, e, bitcoin.TypeGetData))
		if err != nil || len(vs) != 1 || vs[0].Hash != bitcoin.Hash(blockHash) {
			t.Fatalf("btcd asked for %v, %v", vs, err)
		}
		var body writer
		block.SerializeNoWitness(&body)
		l.Queue(dialect.Message{Type: bitcoin.TypeBlock, Body: body}, nil)
		if m := await(t, "block", gotBlock); m.BlockHash() != blockHash || len(m.Transactions) != 2 {
			t.Errorf("btcd got %+v", m)
		}

		p.QueueMessage(invOf(txHash), nil)
		vs, err = params.ParseInvs(next(t, e, bitcoin.TypeInv))
		if err != nil || len(vs) != 1 || vs[0].Hash != bitcoin.Hash(txHash) {
			t.Fatalf("btcd announced %v, %v", vs, err)
		}
		l.Queue(bitcoin.Request(bitcoin.TypeGetData, params.AppendInvs(nil, vs)), nil)
		if b := next(t, e, bitcoin.TypeTx); theirhash.DoubleHashH(b) != txHash {
			t.Errorf("btcd sent %x", b)
		}
	})
}

// writer keeps what is written to it.
type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

func invOf(h theirhash.Hash) *theirwire.MsgInv {
	m := theirwire.NewMsgInv()
	m.AddInvVect(theirwire.NewInvVect(theirwire.InvTypeTx, &h))
	return m
}

// next returns the body of the next message of a type, passing over others.
func next(t *testing.T, e events, typ uint32) []byte {
	t.Helper()
	for {
		if m := await(t, "message", e.got); m.Type == typ {
			return m.Body
		}
	}
}

// TestNodeHeaders asks btcd for headers.
func TestNodeHeaders(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		_, block := blocks(0)
		_, l, e, _ := join(t, dialing, theirConfig(theirpeer.MessageListeners{
			OnGetHeaders: func(p *theirpeer.Peer, m *theirwire.MsgGetHeaders) {
				answer := theirwire.NewMsgHeaders()
				answer.AddBlockHeader(&block.Header)
				p.QueueMessage(answer, nil)
			},
		}))
		ask := binary.LittleEndian.AppendUint32(nil, 70016)
		ask = append(ask, 1)
		ask = append(ask, make([]byte, 64)...)
		l.Queue(bitcoin.Request(bitcoin.TypeGetHeaders, ask), nil)
		b := next(t, e, bitcoin.TypeHeaders)
		if len(b) != 1+81 || theirhash.DoubleHashH(b[1:81]) != block.BlockHash() {
			t.Errorf("btcd sent %x", b)
		}
	})
}
