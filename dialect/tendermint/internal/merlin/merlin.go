// Package merlin keeps transcripts of protocols and draws challenges from them,
// as version 1.0 of Merlin does on STROBE-128/1600: both sides of an exchange
// get the same challenge if and only if they saw the same messages.
//
// It has what a transcript of public data needs and no more: no keys, no
// randomness, no forks.
package merlin

import "encoding/binary"

// rate is how many bytes of the state are in use between two permutations:
// STROBE's for 128 bits of security.
const rate = width - 128/4 - 2

// The flags of STROBE operations (STROBE 1.0.2, section 6.2).
const (
	flagI = 1 << iota // data comes from the transport: it is squeezed
	flagA             // data goes to the application
	flagC             // the state's bytes are used as cipher text
	_                 // transport
	flagM             // it is metadata
)

const (
	opAD     = flagA
	opMetaAD = flagA | flagM
	opPRF    = flagI | flagA | flagC
)

// Transcript is what has been said so far. It belongs to one goroutine.
type Transcript struct {
	state [width]byte
	pos   int // next byte of the state
	begin int // where the operation under way began, plus one; 0 if before the last permutation
}

// New starts a transcript of the protocol that label names.
func New(label string) *Transcript {
	t := new(Transcript)
	copy(t.state[:], "\x01\xa8\x01\x00\x01\x60STROBEv1.0.2")
	permute(&t.state)
	t.operate(opMetaAD)
	t.absorb("Merlin v1.0")
	t.Append("dom-sep", []byte(label))
	return t
}

// Append adds a message under a label.
func (t *Transcript) Append(label string, message []byte) {
	t.frame(label, len(message))
	t.operate(opAD)
	t.absorb(string(message))
}

// Extract fills out with a challenge that depends on everything before, the
// label and the length of out.
func (t *Transcript) Extract(label string, out []byte) {
	t.frame(label, len(out))
	t.operate(opPRF)
	for i := range out {
		out[i] = t.state[t.pos]
		t.state[t.pos] = 0
		t.advance()
	}
}

// frame says what comes next: a label and a length, as one piece of metadata.
func (t *Transcript) frame(label string, n int) {
	var size [4]byte
	binary.LittleEndian.PutUint32(size[:], uint32(n))
	t.operate(opMetaAD)
	t.absorb(label)
	t.absorb(string(size[:]))
}

// operate begins an operation.
func (t *Transcript) operate(flags byte) {
	before := t.begin
	t.begin = t.pos + 1
	t.absorb(string([]byte{byte(before), flags}))
	if flags&flagC != 0 && t.pos != 0 {
		t.permute()
	}
}

func (t *Transcript) absorb(data string) {
	for i := range len(data) {
		t.state[t.pos] ^= data[i]
		t.advance()
	}
}

func (t *Transcript) advance() {
	if t.pos++; t.pos == rate {
		t.permute()
	}
}

// permute pads the block and goes on to the next.
func (t *Transcript) permute() {
	t.state[t.pos] ^= byte(t.begin)
	t.state[t.pos+1] ^= 0x04
	t.state[rate+1] ^= 0x80
	permute(&t.state)
	t.pos, t.begin = 0, 0
}
