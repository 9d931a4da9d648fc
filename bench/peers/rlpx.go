package main

import (
	"errors"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/rlpx"
)

// ethereum is pairs of RLPx connections, without compression. Writing blocks.
func ethereum(pairs int) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, pairs)
		var outs []*rlpx.Conn
		for i := range pairs {
			out, err := l.rlpxPair(i)
			if err != nil {
				return l.fail(err)
			}
			outs = append(outs, out)
		}
		const code = 16 // the first that a protocol may use
		l.send = func() error {
			return each(outs, func(c *rlpx.Conn) error { _, err := c.Write(code, l.body); return err })
		}
		return l, nil
	}
}

func (l *line) rlpxPair(receiver int) (*rlpx.Conn, error) {
	a, b, err := l.tcp()
	if err != nil {
		return nil, err
	}
	ours, err1 := crypto.GenerateKey()
	theirs, err2 := crypto.GenerateKey()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	out, in := rlpx.NewConn(a, &theirs.PublicKey), rlpx.NewConn(b, nil)
	var errs [2]error
	var wg sync.WaitGroup
	wg.Go(func() { _, errs[0] = out.Handshake(ours) })
	wg.Go(func() { _, errs[1] = in.Handshake(theirs) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	l.wg.Go(func() {
		for {
			_, m, _, err := in.Read()
			if err != nil {
				return
			}
			l.count(receiver, len(m))
		}
	})
	return out, nil
}
