package nat

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var outside = netip.MustParseAddr("203.0.113.7")

// fake is a gateway in a bubble: it answers at once, or not at all while silent.
type fake struct {
	mu       sync.Mutex
	lifetime time.Duration // given
	addr     netip.Addr
	local    netip.Addr // the machine's
	silent   bool
	lost     bool
	refuse   error

	mapped  []time.Time // when it was asked to map
	wishes  []uint16
	checks  atomic.Int32
	removed int
}

// set changes the behavior while a mapper runs.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) isSilent() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.silent
}

// gateway returns f as what a search finds.
func (f *fake) gateway(p Protocol) *Gateway {
	f.mu.Lock()
	defer f.mu.Unlock()
	where := func() (netip.Addr, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.local, nil
	}
	return &Gateway{protocol: p, addr: netip.MustParseAddr("192.168.1.1"), local: f.local, where: where, client: f}
}

func (f *fake) hang(ctx context.Context) error {
	if f.isSilent() {
		<-ctx.Done()
		return ErrNoGateway
	}
	return f.refuse
}

func (f *fake) external(ctx context.Context) (netip.Addr, error) { return f.addr, f.hang(ctx) }

func (f *fake) add(ctx context.Context, r Request) (l Lease, err error) {
	f.set(func() { f.mapped, f.wishes = append(f.mapped, time.Now()), append(f.wishes, r.Wish) })
	if err := f.hang(ctx); err != nil {
		return Lease{}, err
	}
	f.set(func() {
		f.lost = false
		l = Lease{Port: r.Port, External: netip.AddrPortFrom(f.addr, r.Wish), Lifetime: f.lifetime}
	})
	return l, nil
}

func (f *fake) remove(ctx context.Context, _ Lease) error {
	f.set(func() { f.removed++ })
	return f.hang(ctx)
}

func (f *fake) check(ctx context.Context, _ Lease) (err error) {
	f.checks.Add(1)
	if err := f.hang(ctx); err != nil {
		return err
	}
	f.set(func() {
		if f.lost {
			err = lost("forgotten")
		}
	})
	return err
}

// kept is a mapper that runs in a bubble.
type kept struct {
	*Mapper
	f      *fake
	told   []netip.AddrPort
	finds  int
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func keep(t *testing.T, f *fake) *kept {
	k := &kept{f: f}
	k.Mapper = NewMapper(MapperConfig{
		Protocol: PCP,
		Request:  Request{Port: 8108},
		Changed:  func(a netip.AddrPort) { k.told = append(k.told, a) },
	})
	k.find = func(ctx context.Context) ([]*Gateway, error) {
		k.finds++
		if f.isSilent() {
			return nil, ErrNoGateway
		}
		return []*Gateway{f.gateway(PCP)}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	k.cancel = cancel
	k.wg.Go(func() { k.Run(ctx) })
	t.Cleanup(k.stop)
	return k
}

// stop ends the mapper and waits for it.
func (k *kept) stop() {
	k.cancel()
	k.wg.Wait()
}

// after lets virtual time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

func at(port uint16) netip.AddrPort { return netip.AddrPortFrom(outside, port) }

func TestRenewsBeforeHalf(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: time.Hour}
		k := keep(t, f)
		after(24 * time.Hour)
		for i := 1; i < len(f.mapped); i++ {
			if gap := f.mapped[i].Sub(f.mapped[i-1]); gap > 30*time.Minute || gap < 20*time.Minute {
				t.Fatalf("renewed after %v of an hour", gap)
			}
		}
		if len(f.mapped) < 48 || f.checks.Load() < 500 || k.finds != 1 {
			t.Errorf("in a day: %d mappings, %d checks, %d searches", len(f.mapped), f.checks.Load(), k.finds)
		}
		if !slices.Equal(k.told, []netip.AddrPort{at(8108)}) {
			t.Errorf("told %v", k.told)
		}
		k.stop()
		if f.removed != 1 || !slices.Equal(k.told, []netip.AddrPort{at(8108), {}}) {
			t.Errorf("in the end: removed %d times, told %v", f.removed, k.told)
		}
	})
}

func TestShortLeaseIsRenewedInTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: 30 * time.Second}
		keep(t, f)
		after(10 * time.Minute)
		for i := 1; i < len(f.mapped); i++ {
			if gap := f.mapped[i].Sub(f.mapped[i-1]); gap > 15*time.Second {
				t.Fatalf("renewed after %v of 30 s", gap)
			}
		}
		if len(f.mapped) < 40 {
			t.Errorf("%d mappings in ten minutes", len(f.mapped))
		}
	})
}

func TestGatewayCanNotKeepUsBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: time.Second}
		keep(t, f)
		after(time.Minute)
		if n := len(f.mapped); n > 16 {
			t.Errorf("%d mappings in a minute", n)
		}
	})
}

func TestLostIsMappedAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: time.Hour}
		k := keep(t, f)
		synctest.Wait()
		moved := netip.MustParseAddr("198.51.100.9")
		f.set(func() { f.lost, f.addr = true, moved })
		after(3 * time.Minute)
		if len(f.mapped) != 2 {
			t.Fatalf("%d mappings three minutes after it was lost", len(f.mapped))
		}
		want := []netip.AddrPort{at(8108), netip.AddrPortFrom(moved, 8108)}
		if !slices.Equal(k.told, want) {
			t.Errorf("told %v, want %v", k.told, want)
		}
		if s := k.Status(); s.External != want[1] || s.Protocol != PCP || s.Err != nil {
			t.Errorf("status %+v", s)
		}
	})
}

func TestGatewayThatDies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: time.Hour}
		k := keep(t, f)
		synctest.Wait()
		f.set(func() { f.silent = true })
		after(15 * time.Minute)
		if !slices.Equal(k.told, []netip.AddrPort{at(8108), {}}) {
			t.Errorf("told %v", k.told)
		}
		if s := k.Status(); s.External.IsValid() || !errors.Is(s.Err, ErrNoGateway) {
			t.Errorf("status %+v", s)
		}
		f.set(func() { f.silent = false })
		after(10 * time.Minute)
		if s := k.Status(); s.External != at(8108) || s.Err != nil {
			t.Errorf("once it is back: %+v", s)
		}
	})
}

func TestMachineThatMoves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: time.Hour, local: netip.MustParseAddr("192.168.1.5")}
		k := keep(t, f)
		after(5 * time.Minute)
		f.set(func() { f.local = netip.MustParseAddr("192.168.1.6") })
		after(3 * time.Minute)
		if k.finds != 2 || len(f.mapped) != 2 || k.Status().Err != nil {
			t.Errorf("%d searches, %d mappings, status %+v", k.finds, len(f.mapped), k.Status())
		}
	})
}

func TestOneUnansweredCheckChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: 0}
		k := keep(t, f)
		for range 10 {
			synctest.Wait()
			f.set(func() { f.silent = true })
			for was := f.checks.Load(); f.checks.Load() == was; {
				after(time.Second)
			}
			after(5 * time.Second)
			if k.Status().Err == nil {
				t.Fatal("the unanswered check does not show")
			}
			f.set(func() { f.silent = false })
			after(3 * time.Minute)
		}
		if k.finds != 1 || len(f.mapped) != 1 || len(k.told) != 1 || k.Status().Err != nil {
			t.Errorf("%d searches, %d mappings, told %v", k.finds, len(f.mapped), k.told)
		}
	})
}

func TestRefusedIsAskedEverLessOften(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, refuse: &Refusal{Code: 2, Text: "no", For: time.Minute}}
		k := keep(t, f)
		after(24 * time.Hour)
		if n := len(f.mapped); n < 100 || n > 250 {
			t.Errorf("asked %d times in a day", n)
		}
		if gap := f.mapped[1].Sub(f.mapped[0]); gap < time.Minute {
			t.Errorf("asked again after %v, though refused for a minute", gap)
		}
		if k.told != nil || !errors.Is(k.Status().Err, f.refuse) {
			t.Errorf("told %v, status %+v", k.told, k.Status())
		}
		k.stop()
		if f.removed != 0 {
			t.Error("removed what was never mapped")
		}
	})
}

func TestRemovalIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fake{addr: outside, lifetime: time.Hour}
		k := keep(t, f)
		synctest.Wait()
		f.set(func() { f.silent = true })
		start := time.Now()
		k.stop()
		if took := time.Since(start); took > 3*time.Second || f.removed != 1 {
			t.Errorf("the end took %v, %d removals", took, f.removed)
		}
	})
}

func TestNextGatewayIfRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		strict, kind := &fake{addr: outside, refuse: &Refusal{Code: 2, Text: "no"}}, &fake{addr: outside, lifetime: time.Hour}
		m := NewMapper(MapperConfig{Protocol: Any, Request: Request{Port: 1}})
		m.find = func(context.Context) ([]*Gateway, error) {
			return []*Gateway{strict.gateway(PCP), kind.gateway(UPnP)}, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { m.Run(ctx) })
		synctest.Wait()
		if s := m.Status(); s.Protocol != UPnP || s.External != at(1) {
			t.Errorf("%+v", s)
		}
		cancel()
		wg.Wait()
		if strict.removed != 0 || kind.removed != 1 {
			t.Errorf("removed %d and %d", strict.removed, kind.removed)
		}
	})
}

func TestNoneEndsAtOnce(t *testing.T) {
	NewMapper(MapperConfig{Request: Request{Port: 1}}).Run(t.Context())
}
