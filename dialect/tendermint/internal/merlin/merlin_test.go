package merlin

import (
	"bytes"
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// The permutation of a state of zeros, as the authors of Keccak publish it.
func TestPermuteZeros(t *testing.T) {
	var s [width]byte
	permute(&s)
	if got := binary.LittleEndian.Uint64(s[:]); got != 0xf1258f7940e1dde7 {
		t.Errorf("the first lane is %#x, want 0xf1258f7940e1dde7", got)
	}
	permute(&s)
	if got := binary.LittleEndian.Uint64(s[:]); got != 0x2d5c954df96ecb3c {
		t.Errorf("the second time it is %#x, want 0x2d5c954df96ecb3c", got)
	}
}

// A sponge over the permutation must be SHA3-256.
func TestPermuteAgainstStandard(t *testing.T) {
	const rate = 136
	for n := range 3 * rate {
		in := bytes.Repeat([]byte{byte(n)}, n)
		padded := append(bytes.Clone(in), 6)
		padded = append(padded, make([]byte, (rate-len(padded)%rate)%rate)...)
		padded[len(padded)-1] |= 0x80
		var s [width]byte
		for ; len(padded) > 0; padded = padded[rate:] {
			for i, b := range padded[:rate] {
				s[i] ^= b
			}
			permute(&s)
		}
		if want := sha3.Sum256(in); !bytes.Equal(s[:32], want[:]) {
			t.Fatalf("%d bytes: %x, want %x", n, s[:32], want)
		}
	}
}

// The two transcripts that Merlin's own tests publish.
func TestPublished(t *testing.T) {
	tr := New("test protocol")
	tr.Append("some label", []byte("some data"))
	check(t, tr, "challenge", "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615")

	tr = New("test protocol")
	tr.Append("step1", []byte("some data"))
	data := bytes.Repeat([]byte{99}, 1024)
	var challenge [32]byte
	for range 32 {
		tr.Extract("challenge", challenge[:])
		tr.Append("bigdata", data)
		tr.Append("challengedata", challenge[:])
	}
	if got := hex.EncodeToString(challenge[:]); got != "a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c" {
		t.Errorf("the last of 32 challenges is %s", got)
	}
}

func check(t *testing.T, tr *Transcript, label, want string) {
	t.Helper()
	var b [32]byte
	tr.Extract(label, b[:])
	if got := hex.EncodeToString(b[:]); got != want {
		t.Errorf("%s is %s, want %s", label, got, want)
	}
}

// Whatever differs in a transcript makes another challenge.
func TestDepends(t *testing.T) {
	seen := map[string]string{}
	for name, f := range map[string]func() *Transcript{
		"nothing":         func() *Transcript { return New("p") },
		"another name":    func() *Transcript { return New("q") },
		"an empty one":    func() *Transcript { tr := New("p"); tr.Append("", nil); return tr },
		"a label":         func() *Transcript { tr := New("p"); tr.Append("ab", []byte("c")); return tr },
		"a longer label":  func() *Transcript { tr := New("p"); tr.Append("a", []byte("bc")); return tr },
		"two messages":    func() *Transcript { tr := New("p"); tr.Append("a", []byte("b")); tr.Append("", []byte("c")); return tr },
		"a block's worth": func() *Transcript { tr := New("p"); tr.Append("", make([]byte, rate)); return tr },
	} {
		var b [16]byte
		f().Extract("x", b[:])
		if other, dup := seen[string(b[:])]; dup {
			t.Errorf("%s and %s give the same challenge", name, other)
		}
		seen[string(b[:])] = name
	}
}
