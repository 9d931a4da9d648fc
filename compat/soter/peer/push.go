package peer

import (
	"errors"
	"math/rand/v2"
	"slices"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
)

// BlockLocator says a place in Soter's graph of blocks by heights, of which the
// protocol allows one. It is the same type as soterd's blockdag.BlockLocator.
type BlockLocator = []*int32

// question is what getblocks or getheaders asked last.
type question struct {
	asked  bool
	height int32
	any    bool // there was a height
	stop   chainhash.Hash
}

// PushAddrMsg sends addresses and returns those that it sent: all of up to a
// thousand, or a thousand of them chosen at random. It sends nothing if there are
// none. The slice is not changed.
func (p *Peer) PushAddrMsg(addresses []*wire.NetAddress) ([]*wire.NetAddress, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	msg := wire.NewMsgAddr()
	msg.AddrList = some(addresses)
	p.QueueMessage(msg, nil)
	return slices.Clone(msg.AddrList), nil
}

// PushAddrV2Msg is PushAddrMsg for addresses on networks of all kinds, BIP155, which only
// Bitcoin's networks have. It is an error if the remote does not want
// them; see [Peer.WantsAddrV2].
func (p *Peer) PushAddrV2Msg(addrs []*wire.NetAddressV2) ([]*wire.NetAddressV2, error) {
	switch {
	case !p.WantsAddrV2():
		return nil, errors.New("addrv2: the remote has not asked for it")
	case len(addrs) == 0:
		return nil, nil
	}
	msg := wire.NewMsgAddrV2()
	msg.AddrList = some(addrs)
	p.QueueMessage(msg, nil)
	return slices.Clone(msg.AddrList), nil
}

// some returns a list of its own: all, or as many as a message may have at random.
func some[T any](list []T) []T {
	list = slices.Clone(list)
	if len(list) > wire.MaxAddrPerMsg {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:wire.MaxAddrPerMsg]
	}
	return list
}

// PushAddrCacheMsg sends all the addresses of a node, by what they are to it: a
// thousand in each message, outbound ones first and known ones last. It sends nothing
// if there are none. The error is that of a nil address.
func (p *Peer) PushAddrCacheMsg(inbound, outbound, known []*wire.NetAddress) error {
	msg := wire.NewMsgAddrCache()
	add := func(to func(*wire.MsgAddrCache, *wire.NetAddress) error, list []*wire.NetAddress) error {
		for _, na := range list {
			if na == nil {
				return errors.New("addrcache: an address is nil")
			}
			if msg.Len() >= wire.MaxAddrPerMsg {
				p.QueueMessage(msg, nil)
				msg = wire.NewMsgAddrCache()
			}
			if err := to(msg, na); err != nil {
				return err
			}
		}
		return nil
	}
	err := errors.Join(
		add((*wire.MsgAddrCache).AddOutbound, outbound),
		add((*wire.MsgAddrCache).AddInbound, inbound),
		add((*wire.MsgAddrCache).AddKnown, known),
	)
	if err == nil && msg.Len() > 0 {
		p.QueueMessage(msg, nil)
	}
	return err
}

// ask builds a question and reports whether it is another than the last one.
func ask(last *question, locator BlockLocator, stop *chainhash.Hash) (fresh bool) {
	q := question{asked: true, stop: *stop}
	if len(locator) > 0 && locator[0] != nil {
		q.any, q.height = true, *locator[0]
	}
	if *last == q {
		return false
	}
	*last = q
	return true
}

var errHeights = errors.New("locator: heights are Soter's; queue a message with hashes")

// PushGetBlocksMsg asks for the blocks after a place, up to one with a hash. A
// question that was the last one too is not asked again, unless the hash is zero. It
// is an error if the locator has more than one height, or on a Bitcoin network.
func (p *Peer) PushGetBlocksMsg(locator BlockLocator, stopHash *chainhash.Hash) error {
	msg := wire.NewMsgGetBlocks(stopHash)
	if err := p.place(locator, msg.AddBlockLocatorHeight); err != nil {
		return err
	}
	fresh := false
	p.set(func(s *state) { fresh = ask(&s.blocks, locator, stopHash) })
	if fresh || *stopHash == (chainhash.Hash{}) {
		p.QueueMessage(msg, nil)
	}
	return nil
}

// PushGetHeadersMsg asks for the headers after a place, up to one with a hash. A
// question that was the last one too is not asked again. It is an error if the locator
// has more than one height, or on a Bitcoin network.
func (p *Peer) PushGetHeadersMsg(locator BlockLocator, stopHash *chainhash.Hash) error {
	msg := wire.NewMsgGetHeaders()
	msg.HashStop = *stopHash
	if err := p.place(locator, msg.AddBlockLocatorHeight); err != nil {
		return err
	}
	fresh := false
	p.set(func(s *state) { fresh = ask(&s.headers, locator, stopHash) })
	if fresh {
		p.QueueMessage(msg, nil)
	}
	return nil
}

func (p *Peer) place(locator BlockLocator, add func(*int32) error) error {
	if p.cfg.ChainParams.Bitcoin {
		return errHeights
	}
	for _, h := range locator {
		if h == nil {
			return errors.New("locator: a height is nil")
		}
		own := *h
		if err := add(&own); err != nil {
			return err
		}
	}
	return nil
}

// PushRejectMsg says that a message of a command was refused, and of a block or a
// transaction which one: hash is for those only, and nil is written as zeros. If wait
// is true it returns when that was written, or never will be. It does nothing if the
// remote speaks a protocol version without reject.
func (p *Peer) PushRejectMsg(command string, code wire.RejectCode, reason string, hash *chainhash.Hash, wait bool) {
	if p.VersionKnown() && p.ProtocolVersion() < wire.RejectVersion {
		return
	}
	msg := wire.NewMsgReject(command, code, reason)
	if command == wire.CmdTx || command == wire.CmdBlock {
		if hash == nil {
			p.logf("Reject of a %s for %v without its hash", command, p)
			hash = &chainhash.Hash{}
		}
		msg.Hash = *hash
	}
	if !wait {
		p.QueueMessage(msg, nil)
		return
	}
	done := make(chan struct{}, 1)
	p.QueueMessage(msg, done)
	<-done
}
