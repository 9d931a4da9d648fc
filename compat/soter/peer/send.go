package peer

import (
	"time"

	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/dialect/bitcoin"
)

// QueueMessage sends a message, in the base encoding. It returns as soon as the
// message is queued; what is changed in it afterwards is not sent. doneChan, if not
// nil, gets one signal: when the message was written, or when it is certain that it
// never will be. Messages that are queued before the handshake is over are sent
// after it; without a connection they are dropped.
//
// If Config.MaxSendQueue bytes wait already it waits for room, and drops the peer if the
// remote takes nothing for Config.QueueWait. A message that the protocol version has no
// form for, or that exceeds a limit, drops the peer too.
func (p *Peer) QueueMessage(msg wire.Message, doneChan chan<- struct{}) {
	p.QueueMessageWithEncoding(msg, doneChan, wire.BaseEncoding)
}

// QueueMessageWithEncoding is QueueMessage in another encoding, which may be
// wire.WitnessEncoding. The form that the network has is added to it.
func (p *Peer) QueueMessageWithEncoding(msg wire.Message, doneChan chan<- struct{}, encoding wire.MessageEncoding) {
	if !p.Connected() {
		p.signals.give(doneChan, p.quit)
		return
	}
	if err := p.out.put(msg, encoding, doneChan); err != nil {
		p.end(err)
		p.signals.give(doneChan, p.quit)
	}
}

// QueueInventory announces inventory to a remote that is not known to have it. Blocks
// are announced at once, everything else together at the next tick of
// Config.TrickleInterval. It does nothing before the handshake is over.
func (p *Peer) QueueInventory(invVect *wire.InvVect) {
	v := inventory(invVect)
	b := &p.brain
	p.consult(func(now time.Time, out *dialect.Out) {
		b.rules.Command(now, bitcoin.Announce{To: only, Inv: []bitcoin.Inv{v}}, out)
	})
}

// knownInventory is how much of what a remote has is remembered.
const knownInventory = 1000

// AddKnownInventory notes that the remote has some inventory, so that it is not
// announced to it. The last thousand are remembered; equal inventory is the same,
// whoever made the struct.
func (p *Peer) AddKnownInventory(invVect *wire.InvVect) {
	v := inventory(invVect)
	b := &p.brain
	b.mu.Lock()
	if b.session == nil {
		if b.known = append(b.known, v); len(b.known) > knownInventory {
			b.known = b.known[1:]
		}
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	p.consult(func(now time.Time, out *dialect.Out) {
		b.rules.Command(now, bitcoin.Known{Link: only, Inv: []bitcoin.Inv{v}}, out)
	})
}

func inventory(v *wire.InvVect) bitcoin.Inv {
	return bitcoin.Inv{Type: bitcoin.InvType(v.Type), Hash: bitcoin.Hash(v.Hash), Height: v.Height}
}
