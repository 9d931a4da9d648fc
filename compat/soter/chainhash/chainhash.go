// Package chainhash holds the 32-byte hashes that name blocks and transactions
// on Soter's and Bitcoin's networks, under the names that programs written for
// the originals know. It may be used from any goroutine.
package chainhash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

const (
	// HashSize is the bytes of a hash.
	HashSize = 32

	// MaxHashStringSize is the characters of a hash as people write it.
	MaxHashStringSize = 2 * HashSize
)

// ErrHashStrSize means that a text is too long for a hash.
var ErrHashStrSize = fmt.Errorf("hash: more than %d characters", MaxHashStringSize)

// Hash is a hash as it lies on the wire. People write it in hexadecimal, last
// byte first.
type Hash [HashSize]byte

// NewHash returns a hash with the given bytes. It is an error if they are not
// 32.
func NewHash(b []byte) (*Hash, error) {
	var h Hash
	if err := h.SetBytes(b); err != nil {
		return nil, err
	}
	return &h, nil
}

// NewHashFromStr returns the hash that a text says. Zeros at the front of the text
// may be left out. The error is ErrHashStrSize or one about the characters.
func NewHashFromStr(s string) (*Hash, error) {
	var h Hash
	if err := Decode(&h, s); err != nil {
		return nil, err
	}
	return &h, nil
}

// Decode writes the hash that a text says to dst, as NewHashFromStr. On an error
// dst is as it was.
func Decode(dst *Hash, s string) error {
	if len(s) > MaxHashStringSize {
		return ErrHashStrSize
	}
	var text [MaxHashStringSize]byte
	for i := range text {
		text[i] = '0'
	}
	copy(text[len(text)-len(s):], s)
	var h Hash
	if _, err := hex.Decode(h[:], text[:]); err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	slices.Reverse(h[:])
	*dst = h
	return nil
}

// String returns the hash as people write it.
func (h Hash) String() string {
	slices.Reverse(h[:])
	return hex.EncodeToString(h[:])
}

// CloneBytes returns the bytes of the hash in a slice of their own.
func (h *Hash) CloneBytes() []byte { return slices.Clone(h[:]) }

// SetBytes makes h the given bytes. It is an error if they are not 32.
func (h *Hash) SetBytes(b []byte) error {
	if len(b) != HashSize {
		return fmt.Errorf("hash: %d bytes, want %d", len(b), HashSize)
	}
	copy(h[:], b)
	return nil
}

// IsEqual reports whether both hashes are the same, or both nil.
func (h *Hash) IsEqual(target *Hash) bool {
	if h == nil || target == nil {
		return h == target
	}
	return *h == *target
}

// HashB returns the SHA-256 of b.
func HashB(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

// HashH returns the SHA-256 of b.
func HashH(b []byte) Hash { return sha256.Sum256(b) }

// DoubleHashB returns the SHA-256 of the SHA-256 of b.
func DoubleHashB(b []byte) []byte {
	h := DoubleHashH(b)
	return h[:]
}

// DoubleHashH returns the SHA-256 of the SHA-256 of b.
func DoubleHashH(b []byte) Hash {
	h := sha256.Sum256(b)
	return sha256.Sum256(h[:])
}
