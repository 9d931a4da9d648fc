package speed

import (
	"crypto/cipher"
	"errors"
	"io"
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"parley/bench/measure"
	"parley/bench/raw"
)

// What a floor does at once: as much as links of ours do. A link of a broadcast
// can have no more to write than the window lets it.
const (
	floorWrite = 60 << 10 / frameSize // frames
	floorRead  = 256 << 10            // bytes
	floorShare = window / 2           // frames to each peer of a broadcast
)

// tube is a TCP connection with nothing but the cipher at both ends: only what no
// implementation of this wire can leave out. The sender owns its half, and the
// goroutine that opens frames the other.
type tube struct {
	out, in *net.TCPConn
	aead    cipher.AEAD
	nonce   [chacha20poly1305.NonceSize]byte
	buf     []byte        // frames to be sealed: over and over, so no body is copied
	turn    chan struct{} // capacity 1: to write once
}

func newTube(frames int) (*tube, error) {
	aead, err := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		return nil, err
	}
	out, in, err := raw.Pair()
	return &tube{out: out, in: in, aead: aead, buf: make([]byte, frames*frameSize), turn: make(chan struct{}, 1)}, err
}

// run seals the frames and writes them at once, at every turn.
func (t *tube) run() error {
	for range t.turn {
		for f := t.buf; len(f) > 0; f = f[frameSize:] {
			t.aead.Seal(f[:0], t.nonce[:], f[:plainSize], nil)
			step(&t.nonce)
		}
		if _, err := t.out.Write(t.buf); err != nil {
			return err
		}
	}
	return nil
}

// receive opens frames where they lie until the connection ends, and counts them.
func (t *tube) receive(got *measure.Tally) error {
	var nonce [chacha20poly1305.NonceSize]byte
	for buf, n := make([]byte, floorRead), 0; ; {
		k, err := t.in.Read(buf[n:])
		if err != nil {
			return err
		}
		n += k
		whole := n / frameSize * frameSize
		for f := range slices.Chunk(buf[:whole], frameSize) {
			if _, err := t.aead.Open(f[:0], nonce[:], f, nil); err != nil {
				return err
			}
			step(&nonce)
		}
		got.Add(int64(whole / frameSize))
		n = copy(buf, buf[whole:n])
	}
}

// floorOf is the least that messages of so many bytes cost to so many peers, each
// with a connection, a key and a goroutine of its own at both ends. The messages it
// counts are frames, with as much of bodies in them as there is room for beside the
// heads of packets.
func floorOf(size, peers int) (Work, error) {
	write := floorWrite
	if peers > 1 {
		write = floorShare
	}
	f := newFlow(dataSize*size/packetsSize(size), peers*write)
	f.lump = 1
	x := &floor{got: f.got, broken: make(chan struct{})}
	f.close, f.end, f.send = x.close, x.broken, x.send
	for range peers {
		if err := x.add(write); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	if peers > 1 {
		f.send = f.windowed(window/floorShare, f.send)
	}
	return f, nil
}

// floor is tubes that all write at once.
type floor struct {
	got    *measure.Tally
	tubes  []*tube
	broken chan struct{} // closed if one fails
	once   sync.Once
	wg     sync.WaitGroup
}

// add opens a tube that writes so many frames at once.
func (x *floor) add(frames int) error {
	t, err := newTube(frames)
	if err != nil {
		return err
	}
	x.tubes = append(x.tubes, t)
	x.wg.Go(func() { x.ended(errors.Join(t.run(), t.out.Close())) })
	x.wg.Go(func() {
		err := t.receive(x.got)
		if err == io.EOF {
			err = nil
		}
		x.ended(errors.Join(err, t.in.Close()))
	})
	return nil
}

func (x *floor) ended(err error) {
	if err != nil {
		x.once.Do(func() { close(x.broken) })
	}
}

// send lets every tube write once.
func (x *floor) send() error {
	for _, t := range x.tubes {
		select {
		case t.turn <- struct{}{}:
		case <-x.broken:
			return errBroken
		}
	}
	return nil
}

func (x *floor) close() error {
	for _, t := range x.tubes {
		close(t.turn)
	}
	x.wg.Wait()
	return nil
}

var errBroken = errors.New("a connection of the floor broke")

// packetsSize is how long the packets of a message of so many bytes are: of 1,024
// bytes each but the last, and with heads of 10 bytes where both lengths in front
// of them take two, or 7, and two more to say that one is the last.
func packetsSize(size int) int {
	full := (size - 1) / dataSize
	last := size - full*dataSize
	head := 12
	if last < 128 {
		head = 9
	}
	return full*(10+dataSize) + head + last
}
