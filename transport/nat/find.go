package nat

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// search is how one protocol's search went: a gateway or an error.
type search struct {
	protocol Protocol
	gateway  *Gateway
	err      error
}

// searchAll looks for gateways of every protocol that p stands for, side by
// side, and returns once the last search is over, in order of preference.
func (n Network) searchAll(ctx context.Context, p Protocol) []search {
	each := p.each()
	found := make([]search, len(each))
	var wg sync.WaitGroup
	for i, p := range each {
		found[i].protocol = p
		wg.Go(func() { found[i].gateway, found[i].err = n.find(ctx, p) })
	}
	wg.Wait()
	return found
}

// find looks for a gateway that speaks a single protocol.
func (n Network) find(ctx context.Context, p Protocol) (g *Gateway, err error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout())
	defer cancel()
	switch p {
	case PCP:
		g, err = n.findPCP(ctx)
	case NATPMP:
		g, err = n.findNATPMP(ctx)
	case UPnP:
		g, err = n.findUPnP(ctx)
	default:
		err = fmt.Errorf("unknown protocol")
	}
	if err != nil {
		return nil, &Error{Protocol: p, Op: "find", Err: err}
	}
	return g, nil
}

// Find looks for gateways that speak p, or with Any all protocols side by side,
// and returns those that answered, the preferred first. It takes Timeout, and
// returns an error only if nobody answered: the joined *Error of each protocol.
func (n Network) Find(ctx context.Context, p Protocol) ([]*Gateway, error) {
	var gateways []*Gateway
	var errs []error
	for _, s := range n.searchAll(ctx, p) {
		if s.err != nil {
			errs = append(errs, s.err)
			continue
		}
		gateways = append(gateways, s.gateway)
	}
	switch {
	case len(gateways) > 0:
		return gateways, nil
	case len(errs) == 0:
		return nil, ErrNone
	}
	return nil, errors.Join(errs...)
}
