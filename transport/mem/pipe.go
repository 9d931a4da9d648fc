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
	cond    sync.Cond
	parts   []part
	size    int       // bytes in parts
	eof     time.Time // when the end of the stream arrives; zero if it is open
	broken  bool      // reset: what is there is lost
	rdone   bool      // the reading end has closed
	wdone   bool      // the writing end has closed for good
	stalled bool
	reading deadline
	writing deadline
}

// part is what one write put in.
type part struct {
	at time.Time // when it arrives
	b  []byte
}

// deadline wakes whoever waits when it passes.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) over(now time.Time) bool { return !d.at.IsZero() && !now.Before(d.at) }

func newPipe(latency time.Duration) *pipe {
	p := &pipe{latency: latency}
	p.cond.L = &p.mu
	return p
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
		case p.writing.over(now):
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
			p.arriving()
			continue
		}
		p.cond.Wait()
	}
}

// arriving wakes the reader when what was just put in arrives.
func (p *pipe) arriving() {
	if p.latency == 0 {
		p.cond.Broadcast()
		return
	}
	time.AfterFunc(p.latency, p.wake)
}

// wake lets whoever waits look again. It takes the lock, so that it cannot
// fall between their look and their wait.
func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cond.Broadcast()
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
		case p.reading.over(now):
			return 0, os.ErrDeadlineExceeded
		case p.broken:
			return 0, syscall.ECONNRESET
		case len(b) == 0:
			return 0, nil
		}
		if n := p.takeArrived(b, now); n > 0 {
			p.cond.Broadcast() // there is room
			return n, nil
		}
		if len(p.parts) == 0 && !p.stalled && !p.eof.IsZero() && !p.eof.After(now) {
			return 0, io.EOF
		}
		p.cond.Wait()
	}
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
		p.arriving()
	}
	return nil
}

// stop fails what the writing end does from now on.
func (p *pipe) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wdone = true
	p.set(&p.writing, time.Time{})
	p.cond.Broadcast()
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
	p.set(&p.reading, time.Time{})
	p.cond.Broadcast()
	return unread, nil
}

// reset loses what is in the pipe and fails both ends.
func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken, p.parts, p.size = true, nil, 0
	p.cond.Broadcast()
}

// stall stops arrivals, or lets them go on.
func (p *pipe) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = on
	p.cond.Broadcast()
}

func (p *pipe) setDeadline(d *deadline, t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == &p.reading && p.rdone || d == &p.writing && p.wdone {
		return net.ErrClosed
	}
	p.set(d, t)
	p.cond.Broadcast()
	return nil
}

// set changes a deadline. Called with the lock.
func (p *pipe) set(d *deadline, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, p.wake)
	}
}
