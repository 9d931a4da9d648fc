package sim

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"parley/core"
)

// what is the name of a call into a core or of one of its effects.
type what uint8

const (
	wWake what = iota
	wAccepted
	wAttached
	wAdmit
	wOpened
	wReceived
	wSent
	wClosed
	wEnded
	wRestore
	wDo
	wUp
	wDown
	wNote
	wSend
	wClose
	wDial
	wSave
	wCrash
	wVanish
	wStart
)

var whats = [...]string{
	"wake", "accepted", "attached", "admit", "opened", "received", "sent", "closed", "ended", "restore", "do",
	"up", "down", "note", "send", "close", "dial", "save", "crash", "vanish", "start",
}

// appendTime appends a virtual time in seconds since the world began.
func appendTime(dst []byte, at int64) []byte {
	dst = strconv.AppendInt(dst, at/1e9, 10)
	var frac [10]byte
	frac[0] = '.'
	for i, v := 9, at%1e9; i > 0; i, v = i-1, v/10 {
		frac[i] = byte('0' + v%10)
	}
	return append(dst, frac[:]...)
}

// note puts a line into the trace and its essence into the hash.
func (n *Node) note(k what, id core.LinkID, err error) {
	w := n.w
	w.hash = mix(w.hash, uint64(n.index)<<32^uint64(id)<<8^uint64(k))
	var text string
	if err != nil {
		text = err.Error()
		w.hash = mixText(w.hash, text)
	}
	if w.Trace == nil {
		return
	}
	b := appendTime(w.line[:0], w.now)
	b = n.spec.Addr.AppendTo(append(b, ' '))
	if id != 0 {
		b = strconv.AppendUint(append(b, " link "...), uint64(id), 10)
	}
	b = append(append(b, ' '), whats[k]...)
	if err != nil {
		b = append(append(b, ": "...), text...)
	}
	w.line = append(b, '\n')
	if _, err := w.Trace.Write(w.line); err != nil {
		w.fail(err)
	}
}

// TraceHash returns a number that stands for the whole run so far: every event
// with its time, every call into a core and its effects, and every byte and
// message delivered. It is kept whether or not there is a Trace. Equal runs
// have equal hashes, in any process; it is no protection against forgery.
func (w *World) TraceHash() uint64 {
	return mix(mix(w.hash, uint64(w.now)), w.steps)
}

// mix adds a word to a hash.
func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, v^0xe7037ed1a0b428db)
	return hi ^ lo ^ h
}

func mixBytes(h uint64, b []byte) uint64 {
	h = mix(h, uint64(len(b)))
	for ; len(b) >= 16; b = b[16:] {
		h = mix(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])) + h
	}
	var last [16]byte
	copy(last[:], b)
	return mix(h^binary.LittleEndian.Uint64(last[:]), binary.LittleEndian.Uint64(last[8:])) + h
}

func mixText(h uint64, s string) uint64 {
	h = mix(h, uint64(len(s)))
	for i := range len(s) {
		h = h*0x100000001b3 ^ uint64(s[i]) // FNV-1a's prime; short and rare
	}
	return mix(h, 0)
}
