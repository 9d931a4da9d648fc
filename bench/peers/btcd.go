package main

import (
	"errors"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/peer"
	"github.com/btcsuite/btcd/wire/v2"
)

// patience is how long anything may take to open.
const patience = 20 * time.Second

var errSlow = errors.New("did not open in time")

// btcd is pairs of its peers. The message is a compact filter, the one of its
// messages whose payload is nothing but bytes. A peer queues without limit.
func btcd(pairs int) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, pairs)
		l.hold()
		var outs []*peer.Peer
		for i := range pairs {
			out, err := l.btcdPair(i)
			if err != nil {
				return l.fail(err)
			}
			outs = append(outs, out)
		}
		m := wire.NewMsgCFilter(wire.GCSFilterRegular, &chainhash.Hash{}, l.body)
		l.send = func() error {
			return each(outs, func(p *peer.Peer) error { p.QueueMessage(m, nil); return nil })
		}
		return l, nil
	}
}

func (l *line) btcdPair(receiver int) (*peer.Peer, error) {
	a, b, err := l.tcp()
	if err != nil {
		return nil, err
	}
	up := make(chan struct{}, 2)
	cfg := func(on peer.MessageListeners) *peer.Config {
		on.OnVerAck = func(*peer.Peer, *wire.MsgVerAck) { up <- struct{}{} }
		return &peer.Config{UserAgentName: "bench", UserAgentVersion: "1.0.0", ChainParams: &chaincfg.SimNetParams,
			TrickleInterval: 10 * time.Second, AllowSelfConns: true, Listeners: on}
	}
	in := peer.NewInboundPeer(cfg(peer.MessageListeners{
		OnCFilter: func(_ *peer.Peer, m *wire.MsgCFilter) { l.count(receiver, len(m.Data)) }}))
	out, err := peer.NewOutboundPeer(cfg(peer.MessageListeners{}), b.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	in.AssociateConnection(b)
	out.AssociateConnection(a)
	l.lastly(func() { out.Disconnect(); in.Disconnect(); out.WaitForDisconnect(); in.WaitForDisconnect() })
	for range 2 {
		select {
		case <-up:
		case <-time.After(patience):
			return nil, errSlow
		}
	}
	return out, nil
}
