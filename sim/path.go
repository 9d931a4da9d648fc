package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"parley/addr"
)

// Path describes a connection between two nodes. Both directions are alike and
// independent of each other. The zero value is a perfect connection.
type Path struct {
	Delay  time.Duration // how long a byte takes, one way
	Jitter time.Duration // each write takes longer by a random time below this

	// Bandwidth is how many bytes a second each direction carries; 0 for no
	// limit. A message of n bytes that finds the path idle has wholly arrived
	// after n/Bandwidth + Delay; one that does not waits its turn.
	Bandwidth int

	// Loss is the share of segments that are lost, from 0 to 1. The stream
	// stays whole, as TCP sees to it: a write of which segments are lost
	// arrives later by a retransmission timeout, and later again, doubled, for
	// each time a retransmission is lost; at most six times.
	Loss float64

	// Drop is the share of application messages, from 0 to 1, that vanish
	// without a word. It applies in mode Messages alone, to study gossip on
	// channels that TCP does not mend.
	Drop float64
}

const (
	segment   = 1460                   // bytes in a TCP segment on Ethernet
	minResend = 200 * time.Millisecond // least retransmission timeout
	synResend = time.Second            // first timeout of a connection request: RFC 6298 section 2.1
	maxResend = 6                      // times a segment is lost at most
)

// plain reports whether a write takes Delay, whatever else happens.
func (p *Path) plain() bool {
	return p.Jitter <= 0 && p.Bandwidth <= 0 && p.Loss <= 0 && p.Drop <= 0
}

// writing returns how long the path is busy with size bytes.
func (p *Path) writing(size int) int64 {
	if p.Bandwidth <= 0 {
		return 0
	}
	whole, rest := size/p.Bandwidth, size%p.Bandwidth
	return int64(whole)*int64(time.Second) + int64(rest)*int64(time.Second)/int64(p.Bandwidth)
}

// travel returns how long a write of size bytes is under way.
func (p *Path) travel(r *rand.Rand, size int) int64 {
	d := int64(p.Delay)
	if p.Jitter > 0 {
		d += r.Int64N(int64(p.Jitter))
	}
	if p.Loss > 0 {
		d += p.resend(r, size, max(minResend, 2*(p.Delay+p.Jitter)))
	}
	return d
}

// resend returns what lost segments cost a write of size bytes.
func (p *Path) resend(r *rand.Rand, size int, timeout time.Duration) (d int64) {
	segments := (size + segment - 1) / segment
	lost := 1 - math.Pow(1-min(p.Loss, 1), float64(max(segments, 1)))
	for i := 0; i < maxResend && r.Float64() < lost; i++ {
		d += int64(timeout)
		timeout *= 2
		lost = p.Loss
	}
	return d
}

// wide is the path between nodes if World.Path is nil: 20 to 100 ms each way,
// as between homes on one continent.
func wide(r *rand.Rand, _, _ addr.Addr) Path {
	return Path{Delay: time.Duration(20+r.IntN(80)) * time.Millisecond}
}
