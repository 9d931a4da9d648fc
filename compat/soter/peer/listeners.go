package peer

import "parley/compat/soter/wire"

// MessageListeners are called for what arrives; nil ones are not. They run one
// after another in the peer's reading goroutine, so one that takes long holds up
// that peer's messages and nobody else's, and must not wait for a message of the
// same peer. Messages and their bytes are the listener's to keep.
type MessageListeners struct {
	// The handshake. OnVersion is called when the remote's version message was
	// found to fit, before it is answered.
	OnVersion func(p *Peer, msg *wire.MsgVersion)
	OnVerAck  func(p *Peer, msg *wire.MsgVerAck)

	// OnVersionReject is OnVersion as soterd and later versions of btcd have
	// it: what it returns, if not nil, is sent, and the peer disconnected
	// without a verack. It is called after OnVersion if both are set.
	OnVersionReject func(p *Peer, msg *wire.MsgVersion) *wire.MsgReject

	// Addresses. Those of getaddrcache and addrcache are Soter's only, those of
	// addrv2 Bitcoin's only.
	OnGetAddr      func(p *Peer, msg *wire.MsgGetAddr)
	OnAddr         func(p *Peer, msg *wire.MsgAddr)
	OnGetAddrCache func(p *Peer, msg *wire.MsgGetAddrCache)
	OnAddrCache    func(p *Peer, msg *wire.MsgAddrCache)
	OnSendAddrV2   func(p *Peer, msg *wire.MsgSendAddrV2)
	OnAddrV2       func(p *Peer, msg *wire.MsgAddrV2)

	// Signs of life, which are answered without a listener.
	OnPing func(p *Peer, msg *wire.MsgPing)
	OnPong func(p *Peer, msg *wire.MsgPong)

	// Blocks and transactions. buf is the payload that the block was read from
	// and goes on using.
	OnInv        func(p *Peer, msg *wire.MsgInv)
	OnGetData    func(p *Peer, msg *wire.MsgGetData)
	OnNotFound   func(p *Peer, msg *wire.MsgNotFound)
	OnTx         func(p *Peer, msg *wire.MsgTx)
	OnBlock      func(p *Peer, msg *wire.MsgBlock, buf []byte)
	OnGetBlocks  func(p *Peer, msg *wire.MsgGetBlocks)
	OnGetHeaders func(p *Peer, msg *wire.MsgGetHeaders)
	OnHeaders    func(p *Peer, msg *wire.MsgHeaders)
	OnMemPool    func(p *Peer, msg *wire.MsgMemPool)

	// Bloom filters, BIP37. The first three are called only if the services of
	// this node include wire.SFNodeBloom. A remote that sends them otherwise
	// is disconnected if it speaks protocol version 70011 (BIP111), and
	// ignored if it speaks an older one.
	OnFilterLoad  func(p *Peer, msg *wire.MsgFilterLoad)
	OnFilterAdd   func(p *Peer, msg *wire.MsgFilterAdd)
	OnFilterClear func(p *Peer, msg *wire.MsgFilterClear)
	OnMerkleBlock func(p *Peer, msg *wire.MsgMerkleBlock)

	// Committed filters, BIP157.
	OnGetCFilters  func(p *Peer, msg *wire.MsgGetCFilters)
	OnGetCFHeaders func(p *Peer, msg *wire.MsgGetCFHeaders)
	OnGetCFCheckpt func(p *Peer, msg *wire.MsgGetCFCheckpt)
	OnCFilter      func(p *Peer, msg *wire.MsgCFilter)
	OnCFHeaders    func(p *Peer, msg *wire.MsgCFHeaders)
	OnCFCheckpt    func(p *Peer, msg *wire.MsgCFCheckpt)

	// The rest.
	OnFeeFilter   func(p *Peer, msg *wire.MsgFeeFilter)
	OnSendHeaders func(p *Peer, msg *wire.MsgSendHeaders)
	OnReject      func(p *Peer, msg *wire.MsgReject)
	OnAlert       func(p *Peer, msg *wire.MsgAlert)

	// OnRead is called for everything that arrives, before the listener for it:
	// how many bytes it took, and the message, or why it is none.
	OnRead func(p *Peer, bytesRead int, msg wire.Message, err error)

	// OnWrite is called, in the peer's writing goroutine or while the handshake
	// lasts in the reading one, for everything that was written, or could not
	// be.
	OnWrite func(p *Peer, bytesWritten int, msg wire.Message, err error)
}

// call calls a listener if there is one.
func call[M any](f func(*Peer, M), p *Peer, msg M) {
	if f != nil {
		f(p, msg)
	}
}

// dispatch calls the listener for a message that was read from a payload.
func (p *Peer) dispatch(msg wire.Message, payload []byte) {
	l := &p.cfg.Listeners
	switch m := msg.(type) {
	case *wire.MsgTx:
		call(l.OnTx, p, m)
	case *wire.MsgInv:
		call(l.OnInv, p, m)
	case *wire.MsgBlock:
		if l.OnBlock != nil {
			l.OnBlock(p, m, payload)
		}
	case *wire.MsgGetData:
		call(l.OnGetData, p, m)
	case *wire.MsgNotFound:
		call(l.OnNotFound, p, m)
	case *wire.MsgHeaders:
		call(l.OnHeaders, p, m)
	case *wire.MsgGetHeaders:
		call(l.OnGetHeaders, p, m)
	case *wire.MsgGetBlocks:
		call(l.OnGetBlocks, p, m)
	case *wire.MsgPing:
		call(l.OnPing, p, m)
	case *wire.MsgPong:
		call(l.OnPong, p, m)
	case *wire.MsgVerAck:
		call(l.OnVerAck, p, m)
	case *wire.MsgGetAddr:
		call(l.OnGetAddr, p, m)
	case *wire.MsgAddr:
		call(l.OnAddr, p, m)
	case *wire.MsgGetAddrCache:
		call(l.OnGetAddrCache, p, m)
	case *wire.MsgAddrCache:
		call(l.OnAddrCache, p, m)
	case *wire.MsgReject:
		call(l.OnReject, p, m)
	case *wire.MsgSendHeaders:
		call(l.OnSendHeaders, p, m)
	case *wire.MsgFeeFilter:
		call(l.OnFeeFilter, p, m)
	default:
		p.dispatchRare(msg)
	}
}

// dispatchRare is the second half of dispatch.
func (p *Peer) dispatchRare(msg wire.Message) {
	l := &p.cfg.Listeners
	switch m := msg.(type) {
	case *wire.MsgSendAddrV2:
		call(l.OnSendAddrV2, p, m)
	case *wire.MsgAddrV2:
		call(l.OnAddrV2, p, m)
	case *wire.MsgMemPool:
		call(l.OnMemPool, p, m)
	case *wire.MsgFilterLoad:
		call(l.OnFilterLoad, p, m)
	case *wire.MsgFilterAdd:
		call(l.OnFilterAdd, p, m)
	case *wire.MsgFilterClear:
		call(l.OnFilterClear, p, m)
	case *wire.MsgMerkleBlock:
		call(l.OnMerkleBlock, p, m)
	case *wire.MsgGetCFilters:
		call(l.OnGetCFilters, p, m)
	case *wire.MsgGetCFHeaders:
		call(l.OnGetCFHeaders, p, m)
	case *wire.MsgGetCFCheckpt:
		call(l.OnGetCFCheckpt, p, m)
	case *wire.MsgCFilter:
		call(l.OnCFilter, p, m)
	case *wire.MsgCFHeaders:
		call(l.OnCFHeaders, p, m)
	case *wire.MsgCFCheckpt:
		call(l.OnCFCheckpt, p, m)
	case *wire.MsgAlert:
		call(l.OnAlert, p, m)
	}
}
