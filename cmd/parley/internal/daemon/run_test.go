package daemon

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSupervise(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script func(p *puppet)
		err    error
		after  time.Duration
		calls  string
	}{
		{"ends by itself", func(p *puppet) { p.over <- nil }, nil, 0, ""},
		{"fails by itself", func(p *puppet) { p.over <- errPuppet }, errPuppet, 0, ""},
		{"one signal, an orderly end", func(p *puppet) {
			p.end <- syscall.SIGTERM
			time.Sleep(3 * time.Second)
			p.over <- nil
		}, nil, 3 * time.Second, "leave: terminated"},
		{"two signals", func(p *puppet) {
			p.end <- os.Interrupt
			time.Sleep(time.Second)
			p.end <- os.Interrupt
		}, errTwice, time.Second, "leave: interrupt"},
		{"one signal, and no end", func(p *puppet) { p.end <- os.Interrupt }, errLate, 10 * time.Second, "leave: interrupt"},
		{"the time is over", func(p *puppet) {
			p.cancel(errSpan)
			time.Sleep(time.Second)
			p.over <- nil
		}, nil, time.Second, "leave: the time is over"},
		{"the time is over after a signal", func(p *puppet) {
			p.end <- os.Interrupt
			time.Sleep(time.Second)
			p.cancel(errSpan)
		}, errLate, 10 * time.Second, "leave: interrupt"},
		{"a signal after the time is over", func(p *puppet) {
			p.cancel(errSpan)
			time.Sleep(time.Second)
			p.end <- os.Interrupt
		}, errTwice, time.Second, "leave: the time is over"},
		{"rereading", func(p *puppet) {
			p.hup <- syscall.SIGHUP
			p.hup <- syscall.SIGHUP
			p.over <- nil
		}, nil, 0, "reread, reread"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &puppet{over: make(chan error, 1), end: make(chan os.Signal), hup: make(chan os.Signal)}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				p.cancel = cancel
				start := time.Now()
				go tt.script(p)
				err := supervise(ctx, p.over, p.end, p.hup, p.leave, p.reread)
				if !errors.Is(err, tt.err) || time.Since(start) != tt.after || strings.Join(p.calls, ", ") != tt.calls {
					t.Errorf("ends with %v after %s and %q; want %v after %s and %q", err, time.Since(start), p.calls, tt.err, tt.after, tt.calls)
				}
			})
		})
	}
}

var errPuppet = errors.New("can not listen")

// puppet is what supervise supervises. Its fields are used by the goroutine of
// the test alone, but for the channels.
type puppet struct {
	over     chan error
	end, hup chan os.Signal
	cancel   context.CancelCauseFunc
	calls    []string
}

func (p *puppet) leave(why string) time.Duration {
	p.calls = append(p.calls, "leave: "+why)
	return 10 * time.Second
}

func (p *puppet) reread() { p.calls = append(p.calls, "reread") }

// TestJournalDoesNotBlock adds more lines than may wait.
func TestJournalDoesNotBlock(t *testing.T) {
	var b bytes.Buffer
	j := newJournal(&b)
	for i := range maxLines + 5 {
		j.add("line %d", i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j.run(ctx)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != maxLines+1 || !strings.HasSuffix(lines[0], " line 0") || lines[maxLines] != "5 lines left out" {
		t.Errorf("%d lines, the last is %q; want %d and that 5 were left out", len(lines), lines[len(lines)-1], maxLines+1)
	}
}
