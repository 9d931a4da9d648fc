package nat

import "time"

// epochs watches the counter of seconds that gateways send along, to notice
// when one restarted. Its zero value has seen nothing.
type epochs struct {
	last uint32
	at   time.Time // when last was seen
}

// slack is by how many seconds the clocks may differ between two answers.
const slack = 2

// seen takes in the counter of an answer and reports whether the gateway
// restarted since the last. The gateway's clock may be slower or faster than
// ours by an eighth (RFC 6886, 3.6); PCP's sixteenth (RFC 6887, 8.5) is within.
func (e *epochs) seen(now time.Time, epoch uint32) (restarted bool) {
	was := *e
	e.last, e.at = epoch, now
	if was.at.IsZero() {
		return false
	}
	ours := int64(now.Sub(was.at) / time.Second)
	theirs := int64(epoch) - int64(was.last)
	return theirs+slack < ours-ours/8 || ours+slack < theirs-theirs/8
}
