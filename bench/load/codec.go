package load

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"parley/addr"
	"parley/dialect"
)

// Codec is the encoder of one end of a link and the decoder of the other, with
// what a stateful stream says at its start behind them.
type Codec struct {
	dialect.Encoder
	dialect.Decoder
	Message dialect.Message // to encode, of the size asked for
}

// NewCodec opens a link in memory.
func NewCodec(l Language, size int) (*Codec, error) {
	a, err := l.dialect()
	if err != nil {
		return nil, err
	}
	b, err := l.dialect()
	if err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	var far *dialect.Link
	var farErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		if far, farErr = b.Open(there, opening(2, false)); farErr != nil {
			there.Close()
		}
	})
	near, err := a.Open(here, opening(1, true))
	if err != nil {
		here.Close()
	}
	wg.Wait()
	if err = errors.Join(err, farErr); err != nil {
		return nil, err
	}
	c := &Codec{near.Encoder, far.Decoder, l.message(body(size))}
	return c, c.settle(near.Prelude)
}

// settle lets the decoder take the prelude and a first message.
func (c *Codec) settle(prelude []byte) error {
	buf, err := c.Append(prelude, c.Message)
	if err != nil {
		return err
	}
	for len(buf) > 0 {
		_, n, err := c.Next(buf)
		if err != nil || n > len(buf) {
			return fmt.Errorf("decode: %d bytes of %d: %w", n, len(buf), err)
		}
		buf = buf[n:]
	}
	return nil
}

// opening is what a peer without a node behind it knows. Peers of one node need
// different numbers, from 1 on.
func opening(number int, dialing bool) *dialect.Opening {
	self := addr.Addr{IP: loopback, Port: uint16(number)}
	return &dialect.Opening{
		Dialing: dialing,
		Remote:  addr.Addr{IP: loopback, Port: 1},
		Self:    dialect.Self{Network: network, Nonce: uint64(number), Listen: self, Agent: "bench"},
		Now:     time.Now(),
		Rand:    rand.Reader,
		Admit:   func(dialect.Intro) error { return nil },
	}
}
