package up

import (
	"context"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/node"
	"parley/route"
)

// maxLine bounds the messages of one node that --delay holds back. What is
// beyond it is lost, and healed as any loss is.
const maxLine = 1 << 13

// parcel is a message on its way to links.
type parcel struct {
	due  time.Time
	node *node.Node
	to   *node.Link // nil for every link but not
	not  *node.Link
	msg  dialect.Message
}

// mail is a message for links that are not looked up yet.
type mail struct {
	to, not dialect.LinkID // as in [chain.Send]
	msg     dialect.Message
}

// voiced puts what the chain wants sent into the language of the network. The
// caller holds mu.
func (a *app) voiced(sends []chain.Send) []mail {
	var out []mail
	for _, s := range sends {
		if m, ok := a.voice.Say(s.Message); ok {
			out = append(out, mail{to: s.To, not: s.Not, msg: m})
		}
	}
	return out
}

// step lets f work on the chain and sends what it wants sent, at once or after
// the delay.
func (a *app) step(f func(now time.Time) []mail) {
	now := time.Now()
	a.mu.Lock()
	ready := a.dispatch(now, f(now))
	a.hurry()
	a.mu.Unlock()
	a.post(ready)
}

// dispatch finds the links for what is to be sent. It returns what can go out
// now. The caller holds mu.
func (a *app) dispatch(now time.Time, out []mail) []parcel {
	var ready []parcel
	for _, s := range out {
		p := parcel{due: now.Add(a.delay), node: a.node, to: a.links[s.to], not: a.links[s.not], msg: s.msg}
		switch {
		case s.to != 0 && p.to == nil:
		case a.delay == 0:
			ready = append(ready, p)
		case len(a.line) < maxLine:
			a.line = append(a.line, p)
		}
	}
	return ready
}

// post queues parcels on their links, but for those that --drop takes. What an
// outbox has no room for is lost as well; neighbors ask for what they lack.
func (a *app) post(ps []parcel) {
	for _, p := range ps {
		switch {
		case p.to == nil:
			p.node.Broadcast(p.msg, a.picker(), p.not)
		case !a.loss.hit():
			p.to.Queue(p.msg, nil)
		}
	}
}

func (a *app) picker() route.Picker {
	if a.loss.perMille == 0 {
		return route.All()
	}
	return a.loss
}

// next returns when the pacer has something to do. The caller holds mu.
func (a *app) next() time.Time {
	next := a.chain.Next()
	if len(a.line) > 0 && (next.IsZero() || a.line[0].due.Before(next)) {
		next = a.line[0].due
	}
	return next
}

// hurry wakes the pacer if it would sleep too long. The caller holds mu.
func (a *app) hurry() {
	next := a.next()
	if next.IsZero() || !a.due.IsZero() && !next.Before(a.due) {
		return
	}
	a.due = next
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// pace does what is due for the chain and the delay, until ctx is done.
func (a *app) pace(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
		if wait, ok := a.turn(time.Now()); ok {
			timer.Reset(wait)
		}
	}
}

// turn does what is due and returns how long there is nothing more to do, or
// that there is nothing.
func (a *app) turn(now time.Time) (wait time.Duration, ok bool) {
	a.mu.Lock()
	ready := a.dispatch(now, a.voiced(a.chain.Wake(now, nil)))
	for len(a.line) > 0 && !now.Before(a.line[0].due) {
		ready = append(ready, a.line[0])
		a.line = a.line[1:]
	}
	a.due = a.next()
	due := a.due
	a.mu.Unlock()
	a.post(ready)
	return due.Sub(now), !due.IsZero()
}
