package peer

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"parley/addr"
	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/dialect/bitcoin"
)

// only is the number of the one link that a peer's rules know.
const only dialect.LinkID = 1

// brain runs the dialect's rules for one link. Pings, trickling, known inventory,
// deadlines for answers and what ends a link are all theirs. Any goroutine may
// consult it.
type brain struct {
	mu      sync.Mutex
	rules   dialect.Rules
	session dialect.Session // nil before the handshake is over
	out     dialect.Out
	known   []bitcoin.Inv // from before the handshake
	next    time.Time     // when the rules are to be woken

	nanos atomic.Int64 // next as time since 1970
}

// due returns when the rules are to be woken, or the zero time.
func (b *brain) due() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

func (b *brain) isDue(now time.Time) bool {
	n := b.nanos.Load()
	return n != 0 && now.UnixNano() >= n
}

// join starts the rules of a link that has opened. What they say first is ahead of
// everything else.
func (p *Peer) join(in dialect.Intro) {
	b := &p.brain
	b.mu.Lock()
	b.rules = p.dialect.Rules(view{p})
	b.session = b.rules.Join(time.Now(), only, in, &b.out)
	if len(b.known) > 0 {
		b.rules.Command(time.Now(), bitcoin.Known{Link: only, Inv: b.known}, &b.out)
		b.known = nil
	}
	p.settle()
}

// consult calls the rules and carries out what they want. Without a link it does
// nothing.
func (p *Peer) consult(f func(now time.Time, out *dialect.Out)) {
	b := &p.brain
	b.mu.Lock()
	if b.session == nil {
		b.mu.Unlock()
		return
	}
	f(time.Now(), &b.out)
	p.settle()
}

// wake lets the rules do what is due.
func (p *Peer) wake() {
	b := &p.brain
	p.consult(func(now time.Time, out *dialect.Out) {
		if at := b.session.Next(); !at.IsZero() && !now.Before(at) {
			b.session.Wake(now, out)
		}
		if at := b.rules.Next(); !at.IsZero() && !now.Before(at) {
			b.rules.Wake(now, out)
		}
	})
}

// settle carries out what the rules want, and gives back their lock.
func (p *Peer) settle() {
	b := &p.brain
	var why error
	for i := range b.out.Send {
		if err := p.say(b.out.Send[i].Msg); err != nil && why == nil {
			why = err
		}
	}
	if len(b.out.End) > 0 {
		why = b.out.End[0].Why
	}
	clear(b.out.Send)
	b.out.Send, b.out.Note, b.out.Learn, b.out.End = b.out.Send[:0], b.out.Note[:0], b.out.Learn[:0], b.out.End[:0]
	old := b.next
	b.next = b.session.Next()
	if at := b.rules.Next(); !at.IsZero() && (b.next.IsZero() || at.Before(b.next)) {
		b.next = at
	}
	b.nanos.Store(0)
	if !b.next.IsZero() {
		b.nanos.Store(b.next.UnixNano())
	}
	sooner := !b.next.IsZero() && (old.IsZero() || b.next.Before(old))
	b.mu.Unlock()
	if why != nil {
		p.end(why)
	} else if sooner {
		p.out.poke()
	}
}

// say queues a message of the rules.
func (p *Peer) say(m dialect.Message) error {
	var msg wire.Message
	if p.out.listen || m.Type == bitcoin.TypePing {
		command, _ := bitcoin.CommandName(m.Type)
		msg, _ = wire.DecodePayload(command, m.Body, p.pver(), wire.BaseEncoding|p.out.form)
	}
	return p.out.say(p.encoder, m, msg)
}

// view is what the rules of one link may ask.
type view struct{ p *Peer }

// Share implements [dialect.View]: addresses are the application's business.
func (view) Share(dialect.LinkID, int) []addr.Addr { return nil }

// Links implements [dialect.View].
func (view) Links() []dialect.LinkID { return []dialect.LinkID{only} }

// Traffic implements [dialect.View]. While a listener runs the remote cannot be
// blamed for silence.
func (v view) Traffic(dialect.LinkID) (in, out time.Time) {
	now := time.Now()
	in, out = v.p.stamps(now)
	if v.p.serving.Load() {
		in = now
	}
	return in, out
}

// Want implements [dialect.View]: links are the application's business.
func (view) Want() int { return 0 }

// Rand implements [dialect.View].
func (view) Rand() *rand.Rand { return rand.New(source{}) }

// source is the process's own randomness.
type source struct{}

// Uint64 implements [rand.Source].
func (source) Uint64() uint64 { return rand.Uint64() }
