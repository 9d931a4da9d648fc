package peer

import "sync/atomic"

// Logger gets a line for what happens to peers. Those of soterd and btcd are ones.
type Logger interface {
	Debugf(format string, params ...any)
}

var logger atomic.Pointer[Logger]

// UseLogger logs what happens to the peers of this process. It may be called at any
// time.
func UseLogger(l Logger) { logger.Store(&l) }

// DisableLog ends what UseLogger began. Nothing is logged before.
func DisableLog() { logger.Store(nil) }

func (p *Peer) logf(format string, args ...any) {
	if l := logger.Load(); l != nil && *l != nil {
		(*l).Debugf(format, args...)
	}
}
