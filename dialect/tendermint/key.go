package tendermint

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	idSize  = 20      // bytes of an identity
	maxFile = 4 << 10 // bytes of a key file; it takes 171
	keyType = "tendermint/PrivKeyEd25519"
)

// ID returns the name that a node goes by: the first 20 bytes of the SHA-256 of
// its public key, in lower case hexadecimal.
func ID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:idSize])
}

// checkID returns what is wrong with the text of an identity. Upper case is
// allowed, as in the original, though no key has such an identity.
func checkID(id string) error {
	if len(id) != 2*idSize {
		return fmt.Errorf("identity %.80q: %d characters, want %d", id, len(id), 2*idSize)
	}
	if _, err := hex.DecodeString(id); err != nil {
		return fmt.Errorf("identity %q: %w", id, err)
	}
	return nil
}

// NewKey makes a key out of 32 bytes of rand.
func NewKey(rand io.Reader) (ed25519.PrivateKey, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed[:]), nil
}

// keyFile is what node_key.json holds.
type keyFile struct {
	Key struct {
		Type  string `json:"type"`
		Value []byte `json:"value"`
	} `json:"priv_key"`
}

var errHalves = errors.New("node key: the public half does not belong to the private one")

// ParseKey reads the contents of a node_key.json. Unlike the original, which
// fails when it first uses such a key, it refuses one that is incomplete, of a
// kind that no peer accepts, or whose halves do not fit.
func ParseKey(file []byte) (ed25519.PrivateKey, error) {
	if len(file) > maxFile {
		return nil, fmt.Errorf("node key: %d bytes, limit %d", len(file), maxFile)
	}
	var f keyFile
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	if f.Key.Type != keyType {
		return nil, fmt.Errorf("node key: type %.80q, want %q", f.Key.Type, keyType)
	}
	if len(f.Key.Value) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("node key: %d bytes, want %d", len(f.Key.Value), ed25519.PrivateKeySize)
	}
	key := ed25519.NewKeyFromSeed(f.Key.Value[:ed25519.SeedSize])
	if !bytes.Equal(key, f.Key.Value) {
		return nil, errHalves
	}
	return key, nil
}

// FormatKey returns what ParseKey and CometBFT read. It belongs into a file that
// its owner alone can read.
func FormatKey(key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("node key: %d bytes, want %d", len(key), ed25519.PrivateKeySize)
	}
	var f keyFile
	f.Key.Type, f.Key.Value = keyType, key
	return json.Marshal(f)
}
