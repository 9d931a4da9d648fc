// Package secret is CometBFT's SecretConnection, byte by byte: the handshake in
// which two nodes agree on keys and prove who they are, and the sealed frames in
// which everything after it travels (CometBFT 0.38 and 1.0, p2p/conn).
//
// It blocks on nothing but the stream it is given, and all randomness is the
// caller's. Errors are faults; those of the stream are passed on as they are.
package secret

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"parley/dialect/tendermint/internal/merlin"
	"parley/fault"
	"parley/wire"
)

// What the protocol derives its secrets with.
const (
	hkdfInfo        = "TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN"
	transcriptLabel = "TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH"
	lowLabel        = "EPHEMERAL_LOWER_PUBLIC_KEY"
	highLabel       = "EPHEMERAL_UPPER_PUBLIC_KEY"
	secretLabel     = "DH_SECRET"
	macLabel        = "SECRET_CONNECTION_MAC"
)

const (
	keySize = 32

	// Most bytes of the two messages of the handshake. They take 34 and 102;
	// the rest is for fields that nobody knows yet.
	maxEphemeral = 256
	maxAuth      = 512
)

// Conn is one side of a connection whose handshake is done. It belongs to one
// goroutine until its halves are handed out.
type Conn struct {
	Sealer *Sealer
	Opener *Opener
	Remote ed25519.PublicKey // proven
	Turns  bool              // the other side said that it takes turns

	rest []byte // opened and not read yet
}

// Dial runs the side that speaks first. Once the other side has proven its key,
// check is asked before ours is told; its error ends the handshake.
func Dial(rw io.ReadWriter, key ed25519.PrivateKey, turns bool, rand io.Reader, check func(ed25519.PublicKey) error) (*Conn, error) {
	own, err := ephemeral(rand)
	if err != nil {
		return nil, err
	}
	if _, err := rw.Write(appendEphemeral(nil, own)); err != nil {
		return nil, err
	}
	remote, err := readEphemeral(rw)
	if err != nil {
		return nil, err
	}
	c, challenge, err := derive(own, remote)
	if err != nil {
		return nil, err
	}
	if err := c.prove(rw, challenge); err != nil {
		return nil, err
	}
	if err := check(c.Remote); err != nil {
		return nil, err
	}
	_, err = rw.Write(c.appendAuth(nil, key, turns, challenge))
	return c, err
}

// Listen runs the side that answers.
func Listen(rw io.ReadWriter, key ed25519.PrivateKey, turns bool, rand io.Reader) (*Conn, error) {
	own, err := ephemeral(rand)
	if err != nil {
		return nil, err
	}
	remote, err := readEphemeral(rw)
	if err != nil {
		return nil, err
	}
	c, challenge, err := derive(own, remote)
	if err != nil {
		return nil, err
	}
	// What we prove does not wait for what they prove: that saves a round trip.
	if _, err := rw.Write(c.appendAuth(appendEphemeral(nil, own), key, turns, challenge)); err != nil {
		return nil, err
	}
	return c, c.prove(rw, challenge)
}

func ephemeral(rand io.Reader) (*ecdh.PrivateKey, error) {
	var seed [keySize]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fault.New(fault.Local, "open", err)
	}
	k, err := ecdh.X25519().NewPrivateKey(seed[:])
	return k, fault.New(fault.Local, "open", err)
}

func appendEphemeral(dst []byte, k *ecdh.PrivateKey) []byte {
	dst = append(dst, 2+keySize)
	return wire.AppendStringField(dst, 1, k.PublicKey().Bytes())
}

// readEphemeral reads the other side's public key, and nothing after it.
func readEphemeral(r io.Reader) (*ecdh.PublicKey, error) {
	var b [maxEphemeral]byte
	n, err := readLen(r, "ephemeral key", maxEphemeral)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, b[:n]); err != nil {
		return nil, err
	}
	var key []byte
	p := wire.NewReader(b[:n])
	for f, ok := p.Field(); ok; f, ok = p.Field() {
		if f.Num == 1 && p.Want(f, wire.Bytes, "ephemeral key") {
			key = f.Data
		}
	}
	if err := p.Err(); err != nil {
		return nil, broken(err)
	}
	k, err := ecdh.X25519().NewPublicKey(key)
	if err != nil {
		return nil, broken(fmt.Errorf("ephemeral key: %d bytes, want %d", len(key), keySize))
	}
	return k, nil
}

// readLen reads a varint a byte at a time, so that nothing after it is taken.
func readLen(r io.Reader, what string, limit int) (int, error) {
	n := uint64(0)
	for shift := 0; ; shift += 7 {
		var b [1]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
		}
		n |= uint64(b[0]&0x7f) << shift
		if err := wire.CheckLen(what, n, limit); err != nil {
			return 0, broken(err)
		}
		if b[0] < 0x80 {
			return int(n), nil
		}
		if shift > 56 {
			return 0, broken(fmt.Errorf("%s: length without end", what))
		}
	}
}

// derive computes what both sides share: the keys of the two directions and the
// challenge that each has to sign. A remote key of low order, which would make the
// secret known to anybody, is refused.
func derive(own *ecdh.PrivateKey, remote *ecdh.PublicKey) (c *Conn, challenge []byte, err error) {
	dh, err := own.ECDH(remote)
	if err != nil {
		return nil, nil, broken(fmt.Errorf("ephemeral key: %w", err))
	}
	keys, err := hkdf.Key(sha256.New, dh, nil, hkdfInfo, 3*keySize)
	if err != nil {
		return nil, nil, fault.New(fault.Local, "open", err)
	}
	low, high := own.PublicKey().Bytes(), remote.Bytes()
	receive, send := keys[:keySize], keys[keySize:2*keySize]
	if bytes.Compare(low, high) > 0 {
		low, high = high, low
		receive, send = send, receive
	}
	t := merlin.New(transcriptLabel)
	t.Append(lowLabel, low)
	t.Append(highLabel, high)
	t.Append(secretLabel, dh)
	challenge = make([]byte, keySize)
	t.Extract(macLabel, challenge)
	c = &Conn{}
	if c.Sealer, err = newSealer(send); err != nil {
		return nil, nil, err
	}
	c.Opener, err = newOpener(receive)
	return c, challenge, err
}

// Fields of the message that proves who somebody is.
const (
	fieldKey       = 1
	fieldSignature = 2
	fieldEd25519   = 1 // of the key

	// fieldTurns is no field of CometBFT's, which passes over it. With it a side
	// says, before it introduces itself, that as a listener it waits for the dialer to
	// do that first. Like the rest of the proof it is sealed, but not signed.
	fieldTurns = 1000
)

// appendAuth appends the sealed proof that we own key, and whether we take turns.
func (c *Conn) appendAuth(dst []byte, key ed25519.PrivateKey, turns bool, challenge []byte) []byte {
	pub := key.Public().(ed25519.PublicKey)
	m := wire.AppendBytesHead(nil, fieldKey, 2+len(pub))
	m = wire.AppendStringField(m, fieldEd25519, []byte(pub))
	m = wire.AppendStringField(m, fieldSignature, ed25519.Sign(key, challenge))
	if turns {
		m = wire.AppendVarintField(m, fieldTurns, 1)
	}
	return c.AppendMessage(dst, m)
}

// prove reads the other side's proof.
func (c *Conn) prove(r io.Reader, challenge []byte) error {
	b, err := c.ReadMessage(r, "proof of identity", maxAuth)
	if err != nil {
		return err
	}
	var key, sig []byte
	p := wire.NewReader(b)
	for f, ok := p.Field(); ok; f, ok = p.Field() {
		switch f.Num {
		case fieldKey:
			p.Want(f, wire.Bytes, "public key")
			key = readKey(&p, f.Data)
		case fieldSignature:
			p.Want(f, wire.Bytes, "signature")
			sig = f.Data
		case fieldTurns:
			p.Want(f, wire.Varint, "turns")
			c.Turns = f.Int != 0
		}
	}
	switch {
	case p.Err() != nil:
		return broken(p.Err())
	case len(key) != ed25519.PublicKeySize:
		return broken(fmt.Errorf("public key: %d bytes of ed25519, want %d", len(key), ed25519.PublicKeySize))
	case !ed25519.Verify(key, challenge, sig):
		return broken(fmt.Errorf("signature of %d bytes does not prove the key", len(sig)))
	}
	c.Remote = bytes.Clone(key)
	return nil
}

// readKey returns the ed25519 key in a public key message, or nil if it is of
// another kind.
func readKey(r *wire.Reader, b []byte) (key []byte) {
	p := wire.NewReader(b)
	for f, ok := p.Field(); ok; f, ok = p.Field() {
		key = nil // of several kinds the last counts
		if f.Num == fieldEd25519 && p.Want(f, wire.Bytes, "ed25519 key") {
			key = f.Data
		}
	}
	if p.Err() != nil {
		r.Fail(p.Err())
	}
	return key
}

// overhead is what a sealed frame has more than what is in it.
const overhead = chacha20poly1305.Overhead

func broken(err error) error { return fault.New(fault.Protocol, "open", err) }
