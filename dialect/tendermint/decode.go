package tendermint

import (
	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
)

// plainDecoder reads packets that nothing seals.
type plainDecoder struct{ mux *mux }

// Next implements [dialect.Decoder]. Each call takes one packet.
func (d plainDecoder) Next(buf []byte) (m dialect.Message, n int, err error) {
	m, n, err = d.mux.next(buf)
	if n > len(buf) {
		d.mux.asked()
	}
	return m, n, err
}

const (
	smallArena = 4 << 10 // bytes for opened data while little comes
	mostFrames = 256     // frames to make room for at once
	loneFrames = 16      // frames that came alone after which room is given back
	moveBelow  = 2 << 10 // bytes that are moved so that memory is used again from its start
	moveFrom   = 8 << 10 // where that begins: the start is to stay in the nearest cache
)

// sealedDecoder opens frames and reads the packets in them. Opened data lies end
// to end in an arena, so that a packet in two frames is whole there and bodies can
// alias it. Each frame counts as taken byte by byte: one for each message in it, and
// what is left with the last.
type sealedDecoder struct {
	opener *secret.Opener
	mux    *mux

	arena []byte // Headroom bytes, then data; arena[from:] is not parsed
	from  int
	left  int  // bytes of the frame under way that were not taken
	held  bool // bodies may alias what was parsed
	asked bool // more bytes were asked for: no longer
	lone  int  // frames in a row that came alone
}

// newSealedDecoder returns a decoder that begins with data that was opened
// before.
func newSealedDecoder(o *secret.Opener, x *mux, rest []byte) *sealedDecoder {
	d := &sealedDecoder{opener: o, mux: x, from: secret.Headroom}
	if len(rest) > 0 {
		d.arena = append(make([]byte, secret.Headroom, smallArena), rest...)
	}
	return d
}

// Next implements [dialect.Decoder].
func (d *sealedDecoder) Next(buf []byte) (m dialect.Message, n int, err error) {
	if d.left == 0 {
		if len(buf) < secret.FrameSize {
			d.asked = true
			d.mux.asked()
			return m, secret.FrameSize, nil
		}
		if err := d.open(buf); err != nil {
			return m, 0, err
		}
		d.left = secret.FrameSize
	}
	if len(buf) < d.left {
		return m, d.left, nil
	}
	m, err = d.parse()
	if err != nil {
		return dialect.Message{}, 0, err
	}
	if n = 1; m.For == 0 || d.from == len(d.arena) {
		n = d.left
	}
	d.left -= n
	return m, n, nil
}

// parse reads packets up to the end of a message. If there is none in what has
// been opened, the message says that it is for nobody.
func (d *sealedDecoder) parse() (dialect.Message, error) {
	for d.from < len(d.arena) {
		m, n, err := d.mux.next(d.arena[d.from:])
		if err != nil {
			return m, err
		}
		if n > len(d.arena)-d.from {
			break
		}
		if d.from += n; m.For != 0 {
			d.held = d.held || d.mux.alias && len(m.Body) > 0
			return m, nil
		}
	}
	return dialect.Message{}, nil
}

// open opens the first of the frames in buf.
func (d *sealedDecoder) open(buf []byte) (err error) {
	frames := min(len(buf)/secret.FrameSize, mostFrames)
	if d.lone++; frames > 1 {
		d.lone = 0
	}
	d.makeRoom(frames)
	d.arena, err = d.opener.Append(d.arena, buf[:secret.FrameSize])
	return err
}

// makeRoom makes room for a frame, and for all of so many if new memory is
// needed. Memory that bodies may alias is left alone until more bytes have been
// asked for.
func (d *sealedDecoder) makeRoom(frames int) {
	rest := d.arena[min(d.from, len(d.arena)):]
	wide := d.lone >= loneFrames && cap(d.arena) > smallArena
	fits := cap(d.arena)-len(d.arena) >= secret.MaxData && !wide
	if d.asked {
		d.asked, d.held = false, false
	}
	if !d.held && !wide && cap(d.arena) > 0 {
		if !fits || d.from >= moveFrom && len(rest) <= moveBelow {
			d.arena = append(d.arena[:secret.Headroom], rest...)
			d.from = secret.Headroom
			rest = d.arena[secret.Headroom:]
			fits = cap(d.arena)-len(d.arena) >= secret.MaxData
		}
	}
	if fits {
		return
	}
	need := secret.Headroom + len(rest)
	room := max(frames*secret.MaxData, len(rest), smallArena-need)
	if d.lone < 2 { // it was too small for what comes at once
		room = max(room, min(2*cap(d.arena), mostFrames*secret.MaxData))
	}
	d.held, d.lone = false, 0
	d.arena = append(make([]byte, secret.Headroom, need+room), rest...)
	d.from = secret.Headroom
}
