package mem

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Buffer is how many bytes one direction of a connection holds, under way or
// waiting to be read. Writers wait for room, so slowness pushes back.
const Buffer = 64 << 10

// pipe is one direction of a connection.
type pipe struct {
	latency time.Duration

	mu      sync.Mutex
	changed chan struct{} // closed to wake those who wait; nil if nobody does
	parts   []part
	size    int       // bytes in parts
	eof     time.Time // when the end of the stream arrives; zero if it is open
	broken  bool      // reset: what is there is lost
	rdone   bool      // the reading end has closed
	wdone   bool      // the writing end has closed for good
	stalled bool
	reading time.Time // deadlines; zero if there is none
	writing time.Time
}

// part is what one write put in.
type part struct {
	at time.Time // when it arrives
	b  []byte
}

// over reports whether a deadline has passed.
func over(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// wake lets those who wait look again. Called with the lock.
func (p *pipe) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// wait gives the lock away until something changes or the earlier of two times,
// of which zero means never. It starts no goroutine, whatever the traffic.
func (p *pipe) wait(now, a, b time.Time) {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		a = b
	}
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	if a.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(a.Sub(now))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// write puts b in, as room permits.
func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.wdone:
			return n, net.ErrClosed
		case over(p.writing, now):
			return n, os.ErrDeadlineExceeded
		case p.broken:
			return n, syscall.ECONNRESET
		case !p.eof.IsZero():
			return n, io.ErrClosedPipe
		case p.rdone:
			return n, syscall.EPIPE
		case n == len(b):
			return n, nil
		}
		if k := min(len(b)-n, Buffer-p.size); k > 0 {
			p.parts = append(p.parts, part{now.Add(p.latency), append([]byte(nil), b[n:n+k]...)})
			p.size += k
			n += k
			p.wake()
			continue
		}
		p.wait(now, p.writing, time.Time{})
	}
}

// read takes what has arrived.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.rdone:
			return 0, net.ErrClosed
		case over(p.reading, now):
			return 0, os.ErrDeadlineExceeded
		case p.broken:
			return 0, syscall.ECONNRESET
		case len(b) == 0:
			return 0, nil
		}
		if n := p.takeArrived(b, now); n > 0 {
			p.wake() // there is room
			return n, nil
		}
		if len(p.parts) == 0 && !p.stalled && over(p.eof, now) {
			return 0, io.EOF
		}
		p.wait(now, p.reading, p.next())
	}
}

// next returns when something arrives, or the end of the stream; zero if that
// is not known.
func (p *pipe) next() time.Time {
	switch {
	case p.stalled:
		return time.Time{}
	case len(p.parts) > 0:
		return p.parts[0].at
	}
	return p.eof
}

func (p *pipe) takeArrived(b []byte, now time.Time) (n int) {
	for n < len(b) && len(p.parts) > 0 && !p.stalled && !p.parts[0].at.After(now) {
		k := copy(b[n:], p.parts[0].b)
		n += k
		p.size -= k
		if p.parts[0].b = p.parts[0].b[k:]; len(p.parts[0].b) == 0 {
			p.parts = p.parts[1:]
		}
	}
	return n
}

// closeWrite ends the stream after what is in it.
func (p *pipe) closeWrite() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wdone {
		return net.ErrClosed
	}
	if p.eof.IsZero() {
		p.eof = time.Now().Add(p.latency)
		p.wake()
	}
	return nil
}

// stop fails what the writing end does from now on.
func (p *pipe) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wdone = true
	p.wake()
}

// closeRead fails what the reading end does from now on, and reports whether
// it left bytes unread.
func (p *pipe) closeRead() (unread bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rdone {
		return false, net.ErrClosed
	}
	unread = p.size > 0
	p.rdone, p.parts, p.size = true, nil, 0
	p.wake()
	return unread, nil
}

// reset loses what is in the pipe and fails both ends.
func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken, p.parts, p.size = true, nil, 0
	p.wake()
}

// stall stops arrivals, or lets them go on.
func (p *pipe) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = on
	p.wake()
}

// setDeadline changes one of the two deadlines, of which the end that is done
// with the pipe has none.
func (p *pipe) setDeadline(d *time.Time, t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == &p.reading && p.rdone || d == &p.writing && p.wdone {
		return net.ErrClosed
	}
	*d = t
	p.wake()
	return nil
}
