package upnp

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"sync"

	p2p "parley/compat/tendermint"
	"parley/transport/nat"
)

// Keeper keeps ports mapped while a program listens at them, which the functions
// of the original left to whoever called them. Its zero value is ready to use,
// and its methods may be called from any goroutine.
type Keeper struct {
	network nat.Network // the system's but in tests

	mu     sync.Mutex
	cancel map[*nat.Mapper]context.CancelFunc
	closed bool
	wg     sync.WaitGroup
}

var (
	errClosed   = errors.New("upnp: the keeper is closed")
	errTooMany  = errors.New("upnp: too many ports")
	errNoAnswer = errors.New("upnp: no mapping in time")
)

// maxPorts is how many ports one Keeper maps at most.
const maxPorts = 64

// ExternalAddress maps a TCP port of this machine and returns where others can dial
// it, or an error after about six seconds. It is what NewDefaultListener asks. The
// mapping is renewed before half of it is over, and made anew if the gateway
// loses it, until Close.
func (k *Keeper) ExternalAddress(port uint16) (*p2p.NetAddress, error) {
	ctx, cancel := context.WithCancel(context.Background())
	mapped := make(chan netip.AddrPort, 1)
	m := nat.NewMapper(nat.MapperConfig{
		Network:  k.network,
		Protocol: nat.UPnP,
		Request:  nat.Request{Port: port},
		Changed: func(external netip.AddrPort) {
			select {
			case mapped <- external:
			default: // the first is what was asked for
			}
		},
	})
	if err := k.start(ctx, cancel, m); err != nil {
		cancel()
		return nil, err
	}
	wait, stop := context.WithTimeout(ctx, 2*cmp.Or(k.network.Timeout, nat.DefaultTimeout))
	defer stop()
	select {
	case a := <-mapped:
		if a.IsValid() {
			return p2p.NewNetAddressIPPort(a.Addr().AsSlice(), a.Port()), nil
		}
	case <-wait.Done():
	}
	cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.cancel, m)
	return nil, cmp.Or(m.Status().Err, errNoAnswer)
}

// start runs a mapper until it is canceled or the Keeper closed.
func (k *Keeper) start(ctx context.Context, cancel context.CancelFunc, m *nat.Mapper) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return errClosed
	case len(k.cancel) >= maxPorts:
		return errTooMany
	}
	if k.cancel == nil {
		k.cancel = map[*nat.Mapper]context.CancelFunc{}
	}
	k.cancel[m] = cancel
	k.wg.Go(func() { m.Run(ctx) })
	return nil
}

// Close removes every mapping, which takes a few seconds if the gateway keeps silent.
func (k *Keeper) Close() {
	k.mu.Lock()
	k.closed = true
	for _, cancel := range k.cancel {
		cancel()
	}
	k.cancel = nil
	k.mu.Unlock()
	k.wg.Wait()
}
