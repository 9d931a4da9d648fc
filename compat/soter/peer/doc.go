// Package peer is a drop-in for the peer package of soterd, on the Parley engine: a
// program written for its README runs with other import paths.
//
//	p, err := peer.NewOutboundPeer(&peer.Config{
//		UserAgentName:    "peer",
//		UserAgentVersion: "1.0.0",
//		ChainParams:      &chaincfg.SimNetParams,
//		Listeners: peer.MessageListeners{
//			OnVersion: func(p *peer.Peer, msg *wire.MsgVersion) { … },
//		},
//	}, "127.0.0.1:18555")
//	…
//	p.AssociateConnection(conn)
//
// Package bitcoin below dialect does the work: the handshake, the frames, and the
// rules for pings, inventory and answers. This package runs them on one connection.
//
// # Two forms
//
// soterd's README and its code do not agree. The plain names here are the README's,
// which are also btcd's: Config.UserAgentVersion is a string, and OnVersion returns
// nothing. The later forms have names of their own beside them:
//
//	README, btcd 2018                  soterd, btcd since
//	Config.UserAgentVersion            Config.UserAgentSemver, any semver.Version
//	MessageListeners.OnVersion         MessageListeners.OnVersionReject
//
// soterd's own names are used where the README has none: MaxBlockHeight and
// UpdateMaxBlockHeight, OnGetAddrCache, OnAddrCache, PushAddrCacheMsg.
//
// # Networks
//
// Config.ChainParams chooses the network and with it the form of messages. On the
// parameters of package chaincfg whose names begin with Bitcoin, peers speak with
// btcd and Bitcoin Core.
//
// # What is different
//
// See docs/soter.md. The main things: a peer that does not read, or does not finish
// the handshake, is dropped; done channels always get their signal; getters may be
// called at any time; WaitForDisconnect waits; two peers of one process may be
// connected to each other, unless they share a [Self].
package peer
