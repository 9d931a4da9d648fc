package p2p

import (
	"fmt"

	"parley/dialect/tendermint"
)

// PexCh is the channel of peer exchange.
const PexCh = byte(tendermint.TypePEX)

// pexOutbound is how many peers a PEXAgent keeps dialed.
const pexOutbound = 10

// PEXAgent finds peers for a Switch: it has it ask peers for addresses, answer
// those who ask, keep a book, and dial ten of the addresses, spread over networks
// and with pauses after failures. The asking and answering is done by the rules of the
// protocol, with their limits; no goroutine of the agent's polls.
type PEXAgent struct {
	sw   *Switch
	book *AddrBook
}

// NewPEXAgent returns an agent that does nothing before Start. From now on PexCh is
// not the application's, and the book is started and stopped with the Switch. It
// panics if the Switch has been started.
func NewPEXAgent(sw *Switch, book *AddrBook) *PEXAgent {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if sw.started {
		panic("p2p: NewPEXAgent: the Switch has been started")
	}
	sw.cfg.NoPex, sw.cfg.AddrBook = false, book
	if ours := book.OurAddresses(); len(ours) > 0 && sw.parsed.external.IsZero() {
		sw.parsed.external = ours[0].engine()
	}
	return &PEXAgent{sw: sw, book: book}
}

// Start begins to look for peers and to dial them, now or when the Switch starts.
func (p *PEXAgent) Start() { p.aim(pexOutbound) }

// Stop ends that. Peers that are connected stay, and one that leaves is replaced, so
// that there are no more of them than now.
func (p *PEXAgent) Stop() { p.aim(-1) }

// aim says how many peers are to be dialed.
func (p *PEXAgent) aim(n int) {
	p.sw.mu.Lock()
	p.sw.cfg.MaxNumOutboundPeers = n
	tuning, running := p.sw.tuning(), p.sw.started && !p.sw.stopped
	p.sw.mu.Unlock()
	if !running {
		return
	}
	if n < 0 {
		tuning.Outbound = max(p.dialed(), 1) // Tune ends what is over the limit
	}
	if err := p.sw.node.Tune(tuning); err != nil {
		p.sw.log.Warn("peers wanted not changed", "err", err)
	}
}

func (p *PEXAgent) dialed() int {
	n, _, _ := p.sw.NumPeers()
	return n
}

// RequestPEX asks a peer for addresses, unless it was asked a moment ago.
func (p *PEXAgent) RequestPEX(peer *Peer) { p.command(tendermint.Ask{Link: peer.link.ID()}) }

// SendAddrs tells a peer of addresses. CometBFT bans who does that unasked, so there
// it does nothing.
func (p *PEXAgent) SendAddrs(peer *Peer, addrs []*NetAddress) {
	tell := tendermint.Tell{Link: peer.link.ID()}
	for _, a := range addrs {
		tell.Addrs = append(tell.Addrs, a.known())
	}
	p.command(tell)
}

func (p *PEXAgent) command(cmd any) {
	if !p.sw.running() {
		return
	}
	if err := p.sw.node.Command(cmd); err != nil {
		p.sw.log.Debug("not exchanged", "command", fmt.Sprintf("%T", cmd), "err", err)
	}
}

// String returns the agent's name.
func (*PEXAgent) String() string { return "PEXAgent" }
