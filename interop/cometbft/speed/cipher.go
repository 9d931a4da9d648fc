package speed

import (
	"encoding/binary"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"parley/bench/measure"
)

const (
	dataSize  = 1024
	plainSize = 4 + dataSize
	frameSize = plainSize + chacha20poly1305.Overhead
	frames    = 60 // in a buffer that is sealed and then opened at once
)

// cipherAlone is the AEAD with nothing around it: one goroutine seals frames, another
// opens them, and buffers go around between the two. No link that seals can be
// faster than that on two processors.
type cipherAlone struct{}

// Sample implements Work. The messages it counts are frames.
func (cipherAlone) Sample(d time.Duration) (measure.Sample, error) {
	aead, err := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		return measure.Unknown(), err
	}
	full, empty := make(chan []byte, 4), make(chan []byte, 4)
	for range cap(empty) {
		empty <- make([]byte, frames*frameSize)
	}
	var failed error
	var wg sync.WaitGroup
	m := measure.Start()
	wg.Go(func() {
		var nonce [chacha20poly1305.NonceSize]byte
		for b := range full {
			for f := b; len(f) > 0; f = f[frameSize:] {
				if _, err := aead.Open(f[:0], nonce[:], f[:frameSize], nil); err != nil {
					failed = err
				}
				step(&nonce)
			}
			empty <- b
		}
	})
	var n int64
	var nonce [chacha20poly1305.NonceSize]byte
	for begin := time.Now(); time.Since(begin) < d; n += frames {
		b := <-empty
		for f := b; len(f) > 0; f = f[frameSize:] {
			aead.Seal(f[:0], nonce[:], f[:plainSize], nil)
			step(&nonce)
		}
		full <- b
	}
	close(full)
	wg.Wait()
	return measure.Of(measure.Work{Messages: n, Size: dataSize}, m.Cost()), failed
}

func step(nonce *[chacha20poly1305.NonceSize]byte) {
	binary.LittleEndian.PutUint64(nonce[4:], binary.LittleEndian.Uint64(nonce[4:])+1)
}

// Close implements Work.
func (cipherAlone) Close() error { return nil }
