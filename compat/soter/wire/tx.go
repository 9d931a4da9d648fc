package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"parley/compat/soter/chainhash"
	bin "parley/wire"
)

const (
	// TxVersion is the version of new transactions.
	TxVersion = 1

	// MaxTxInSequenceNum is the sequence number of an input that is final.
	MaxTxInSequenceNum uint32 = 0xffffffff

	// MaxPrevOutIndex is the index of an output that does not exist, as in
	// the input of a block's first transaction.
	MaxPrevOutIndex uint32 = 0xffffffff

	// SequenceLockTimeDisabled is the bit of a sequence number that says that
	// it is no lock time, BIP68.
	SequenceLockTimeDisabled = 1 << 31

	// SequenceLockTimeIsSeconds is the bit of a sequence number that says
	// that its lock time is in units of 512 seconds, not in blocks, BIP68.
	SequenceLockTimeIsSeconds = 1 << 22

	// SequenceLockTimeMask is the bits of a sequence number that are its lock
	// time, BIP68.
	SequenceLockTimeMask = 0x0000ffff

	// SequenceLockTimeGranularity is the power of two of the seconds in a unit
	// of lock time, BIP68.
	SequenceLockTimeGranularity = 9
)

// OutPoint names an output of a transaction.
type OutPoint struct {
	Hash  chainhash.Hash
	Index uint32
}

// NewOutPoint returns the name of an output.
func NewOutPoint(hash *chainhash.Hash, index uint32) *OutPoint {
	return &OutPoint{Hash: *hash, Index: index}
}

// String returns the hash and the index with a colon between them.
func (o OutPoint) String() string { return fmt.Sprintf("%s:%d", o.Hash, o.Index) }

// TxWitness is the witness data of an input: what its script is run on.
type TxWitness [][]byte

// SerializeSize returns how many bytes the items take.
func (t TxWitness) SerializeSize() int {
	n := bin.CompactLen(uint64(len(t)))
	for _, item := range t {
		n += sizeOf(item)
	}
	return n
}

// sizeOf returns how many bytes b takes with its length.
func sizeOf(b []byte) int { return bin.CompactLen(uint64(len(b))) + len(b) }

// TxIn spends an output.
type TxIn struct {
	PreviousOutPoint OutPoint
	SignatureScript  []byte
	Witness          TxWitness // at most 500,000 items of 11,000 bytes
	Sequence         uint32
}

// NewTxIn returns a final input, which does not copy its scripts.
func NewTxIn(prevOut *OutPoint, signatureScript []byte, witness [][]byte) *TxIn {
	return &TxIn{
		PreviousOutPoint: *prevOut, SignatureScript: signatureScript,
		Witness: witness, Sequence: MaxTxInSequenceNum,
	}
}

// SerializeSize returns how many bytes the input takes, without witness data.
func (t *TxIn) SerializeSize() int { return chainhash.HashSize + 4 + sizeOf(t.SignatureScript) + 4 }

// TxOut gives an amount to whoever satisfies a script.
type TxOut struct {
	Value    int64
	PkScript []byte
}

// NewTxOut returns an output, which does not copy its script.
func NewTxOut(value int64, pkScript []byte) *TxOut { return &TxOut{Value: value, PkScript: pkScript} }

// SerializeSize returns how many bytes the output takes.
func (t *TxOut) SerializeSize() int { return 8 + sizeOf(t.PkScript) }

// MsgTx is a transaction. Scripts of one that was read are parts of the payload it
// was read from; Copy makes it independent.
type MsgTx struct {
	Version  int32
	TxIn     []*TxIn  // none of them nil
	TxOut    []*TxOut // none of them nil
	LockTime uint32
}

// NewMsgTx returns a transaction without inputs and outputs.
func NewMsgTx(version int32) *MsgTx { return &MsgTx{Version: version} }

// AddTxIn adds an input.
func (m *MsgTx) AddTxIn(ti *TxIn) { m.TxIn = append(m.TxIn, ti) }

// AddTxOut adds an output.
func (m *MsgTx) AddTxOut(to *TxOut) { m.TxOut = append(m.TxOut, to) }

// TxHash returns the double SHA-256 of the transaction without witness data, which
// names it.
func (m *MsgTx) TxHash() chainhash.Hash { return m.hash(false) }

// WitnessHash returns the double SHA-256 of the transaction with its witness data,
// if it has any.
func (m *MsgTx) WitnessHash() chainhash.Hash { return m.hash(true) }

func (m *MsgTx) hash(witness bool) chainhash.Hash {
	e := newEncoder()
	defer e.free()
	e.b = m.append(e.b, witness)
	return chainhash.DoubleHashH(e.b)
}

// HasWitness reports whether an input has witness data.
func (m *MsgTx) HasWitness() bool {
	return slices.ContainsFunc(m.TxIn, func(in *TxIn) bool { return in != nil && len(in.Witness) > 0 })
}

// Copy returns a copy that shares nothing with m.
func (m *MsgTx) Copy() *MsgTx {
	c := *m
	c.TxIn = make([]*TxIn, len(m.TxIn))
	for i, in := range m.TxIn {
		t := *in
		t.SignatureScript = slices.Clone(in.SignatureScript)
		t.Witness = slices.Clone(in.Witness)
		for j, item := range t.Witness {
			t.Witness[j] = slices.Clone(item)
		}
		c.TxIn[i] = &t
	}
	c.TxOut = make([]*TxOut, len(m.TxOut))
	for i, out := range m.TxOut {
		c.TxOut[i] = &TxOut{Value: out.Value, PkScript: slices.Clone(out.PkScript)}
	}
	return &c
}

// Serialize writes the transaction with its witness data.
func (m *MsgTx) Serialize(w io.Writer) error { return m.BtcEncode(w, 0, WitnessEncoding) }

// SerializeNoWitness writes the transaction without witness data.
func (m *MsgTx) SerializeNoWitness(w io.Writer) error { return m.BtcEncode(w, 0, BaseEncoding) }

// Deserialize reads what Serialize writes.
func (m *MsgTx) Deserialize(r io.Reader) error { return m.BtcDecode(r, 0, WitnessEncoding) }

// DeserializeNoWitness reads what SerializeNoWitness writes.
func (m *MsgTx) DeserializeNoWitness(r io.Reader) error { return m.BtcDecode(r, 0, BaseEncoding) }

// SerializeSize returns how many bytes Serialize writes.
func (m *MsgTx) SerializeSize() int { return m.size(true) }

// SerializeSizeStripped returns how many bytes SerializeNoWitness writes.
func (m *MsgTx) SerializeSizeStripped() int { return m.size(false) }

func (m *MsgTx) size(witness bool) int {
	n := 4 + bin.CompactLen(uint64(len(m.TxIn))) + bin.CompactLen(uint64(len(m.TxOut))) + 4
	for _, in := range m.TxIn {
		n += in.SerializeSize()
	}
	for _, out := range m.TxOut {
		n += out.SerializeSize()
	}
	if witness && m.HasWitness() {
		n += 2
		for _, in := range m.TxIn {
			n += in.Witness.SerializeSize()
		}
	}
	return n
}

// PkScriptLocs returns where the scripts of the outputs begin in what Serialize
// writes, or nil if there are no outputs.
func (m *MsgTx) PkScriptLocs() []int {
	if len(m.TxOut) == 0 {
		return nil
	}
	n := 4 + bin.CompactLen(uint64(len(m.TxIn))) + bin.CompactLen(uint64(len(m.TxOut)))
	if m.HasWitness() {
		n += 2
	}
	for _, in := range m.TxIn {
		n += in.SerializeSize()
	}
	locs := make([]int, len(m.TxOut))
	for i, out := range m.TxOut {
		locs[i] = n + 8 + bin.CompactLen(uint64(len(out.PkScript)))
		n += out.SerializeSize()
	}
	return locs
}

// BtcDecode implements [Message].
func (m *MsgTx) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgTx) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgTx) Command() string { return CmdTx }

// MaxPayloadLength implements [Message].
func (m *MsgTx) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdTx) }

func (m *MsgTx) write(e *encoder, f form) {
	if err := m.check(f.witness()); err != nil {
		e.fail(err)
		return
	}
	e.b = m.append(e.b, f.witness())
}

// check returns an error if something that must be there is nil, or if there is too
// much of something.
func (m *MsgTx) check(witness bool) error {
	switch {
	case m == nil:
		return errors.New("transactions: an entry is nil")
	case slices.Contains(m.TxIn, nil):
		return errors.New("inputs: an entry is nil")
	case slices.Contains(m.TxOut, nil):
		return errors.New("outputs: an entry is nil")
	}
	if len(m.TxIn) > maxTxIn {
		return bin.CheckLen("inputs", uint64(len(m.TxIn)), maxTxIn)
	}
	if len(m.TxOut) > maxTxOut {
		return bin.CheckLen("outputs", uint64(len(m.TxOut)), maxTxOut)
	}
	for _, in := range m.TxIn {
		if witness && len(in.Witness) > maxWitnessItems {
			return bin.CheckLen("witness items", uint64(len(in.Witness)), maxWitnessItems)
		}
		for _, item := range in.Witness {
			if witness && len(item) > maxWitnessItem {
				return bin.CheckLen("witness item bytes", uint64(len(item)), maxWitnessItem)
			}
		}
	}
	return nil
}

// append appends a transaction that was checked. What is built is a local variable
// all the time: blocks are written here.
func (m *MsgTx) append(b []byte, witness bool) []byte {
	witness = witness && m.HasWitness()
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Version))
	if witness {
		b = append(b, 0, witnessFlag)
	}
	b = bin.AppendCompact(b, uint64(len(m.TxIn)))
	for _, in := range m.TxIn {
		b = append(b, in.PreviousOutPoint.Hash[:]...)
		b = binary.LittleEndian.AppendUint32(b, in.PreviousOutPoint.Index)
		b = appendData(b, in.SignatureScript)
		b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	}
	b = bin.AppendCompact(b, uint64(len(m.TxOut)))
	for _, out := range m.TxOut {
		b = binary.LittleEndian.AppendUint64(b, uint64(out.Value))
		b = appendData(b, out.PkScript)
	}
	for _, in := range m.TxIn {
		if !witness {
			break
		}
		b = bin.AppendCompact(b, uint64(len(in.Witness)))
		for _, item := range in.Witness {
			b = appendData(b, item)
		}
	}
	return binary.LittleEndian.AppendUint32(b, m.LockTime)
}

func appendData(b, p []byte) []byte {
	return append(bin.AppendCompact(b, uint64(len(p))), p...)
}
