package main

import (
	"errors"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/rlpx"
)

// ethereum is a pair of RLPx connections, without compression.
func ethereum() (*pipe, error) {
	p, e := newPipe(), new(ends)
	p.close = e.close
	a, b, err := e.tcp()
	if err != nil {
		return nil, err
	}
	ours, err1 := crypto.GenerateKey()
	theirs, err2 := crypto.GenerateKey()
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.Join(err, e.close())
	}
	out, in := rlpx.NewConn(a, &theirs.PublicKey), rlpx.NewConn(b, nil)
	var errs [2]error
	var wg sync.WaitGroup
	wg.Go(func() { _, errs[0] = out.Handshake(ours) })
	wg.Go(func() { _, errs[1] = in.Handshake(theirs) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.wg.Go(func() {
		for {
			if _, _, _, err := in.Read(); err != nil {
				return
			}
			p.got.Add(1)
		}
	})
	msg := body()
	p.send = func() error { _, err := out.Write(16, msg); return err }
	return p, nil
}
