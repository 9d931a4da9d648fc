package seeds

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"parley/addr"
)

// Limits of an answer to a look-up, which is somebody else's.
const (
	lookTimeout = 10 * time.Second // for one name
	maxLooked   = 256              // addresses of one name; honest ones have a few dozen
)

// Resolver looks up names of hosts; [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Lookup returns the addresses behind some names, all with the port of the network,
// each once. A name that does not lead anywhere is in the error, beside what the
// others led to. It takes at most 10 seconds a name.
func Lookup(ctx context.Context, r Resolver, hosts []string, port uint16) ([]addr.Addr, error) {
	var all []addr.Addr
	var errs []error
	seen := map[addr.Addr]bool{}
	for _, host := range hosts {
		ips, err := look(ctx, r, host)
		if err != nil {
			errs = append(errs, fmt.Errorf("seed %s: %w", host, err))
		}
		for _, ip := range ips[:min(len(ips), maxLooked)] {
			a := addr.FromAddrPort(netip.AddrPortFrom(ip, port))
			if a.Dialable() && !seen[a] {
				seen[a] = true
				all = append(all, a)
			}
		}
	}
	return all, errors.Join(errs...)
}

func look(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return r.LookupNetIP(ctx, "ip", host)
}

// Names returns what [Source] needs to fetch from names of hosts. Names that fail
// beside others that do not are told to bad.
func Names(r Resolver, hosts []string, port uint16, bad func(error)) func(context.Context) ([]addr.Addr, []Bad, error) {
	return func(ctx context.Context) ([]addr.Addr, []Bad, error) {
		as, err := Lookup(ctx, r, hosts, port)
		if len(as) == 0 {
			return nil, nil, err
		}
		if err != nil {
			bad(err)
		}
		return as, nil, nil
	}
}
