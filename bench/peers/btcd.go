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

// btcd is a pair of its peers; the message is a compact filter, the one of its
// messages whose payload is nothing but bytes.
func btcd() (*pipe, error) {
	p, e := newPipe(), new(ends)
	p.close = e.close
	a, b, err := e.tcp()
	if err != nil {
		return nil, err
	}
	up := make(chan struct{}, 2)
	cfg := func(l peer.MessageListeners) *peer.Config {
		l.OnVerAck = func(*peer.Peer, *wire.MsgVerAck) { up <- struct{}{} }
		return &peer.Config{UserAgentName: "bench", UserAgentVersion: "1.0.0", ChainParams: &chaincfg.SimNetParams,
			TrickleInterval: 10 * time.Second, AllowSelfConns: true, Listeners: l}
	}
	in := peer.NewInboundPeer(cfg(peer.MessageListeners{OnCFilter: func(*peer.Peer, *wire.MsgCFilter) { p.got.Add(1) }}))
	out, err := peer.NewOutboundPeer(cfg(peer.MessageListeners{}), b.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	in.AssociateConnection(b)
	out.AssociateConnection(a)
	e.closes = []func() error{forget(func() { out.Disconnect(); in.Disconnect(); out.WaitForDisconnect(); in.WaitForDisconnect() })}
	for range 2 {
		select {
		case <-up:
		case <-time.After(patience):
			return nil, errors.Join(errSlow, e.close())
		}
	}
	m := wire.NewMsgCFilter(wire.GCSFilterRegular, &chainhash.Hash{}, body())
	p.send = func() error { out.QueueMessage(m, nil); return nil }
	return p, nil
}
