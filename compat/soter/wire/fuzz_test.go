package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley/compat/soter/chainhash"
	"parley/fault"
)

// The forms that fuzzing goes through.
var (
	fuzzVersions  = []uint32{70013, 70016, 70001, 60000, 31401, 208}
	fuzzEncodings = []MessageEncoding{WitnessEncoding, BaseEncoding, WitnessEncoding | BitcoinForm, BaseEncoding | BitcoinForm}
)

// formOf chooses a command and a form.
func formOf(how uint16, commands []string) (string, form) {
	i := int(how)
	command := commands[i%len(commands)]
	i /= len(commands)
	pver := fuzzVersions[i%len(fuzzVersions)]
	i /= len(fuzzVersions)
	return command, form{pver, fuzzEncodings[i%len(fuzzEncodings)]}
}

// howOf is the reverse of formOf.
func howOf(command string, f form, commands []string) uint16 {
	v := max(slices.Index(fuzzVersions, f.pver), 0)
	e := max(slices.Index(fuzzEncodings, f.enc), 0)
	return uint16(slices.Index(commands, command) + len(commands)*(v+len(fuzzVersions)*e))
}

// fuzzPayloads reads any bytes as the payloads of commands. What is accepted is
// written and read again as equal, and nothing takes more memory than its bytes
// justify.
func fuzzPayloads(f *testing.F, commands ...string) {
	seeded := false
	seed := func(command string, fo form, payload []byte) {
		if slices.Contains(commands, command) && len(payload) < 4096 {
			f.Add(howOf(command, fo, commands), payload)
			seeded = true
		}
	}
	for _, r := range recordings(f, "*", 57) {
		for _, fr := range r.Frames {
			b := fr.bytes(f)
			if len(b) >= headerSize {
				seed(strings.TrimRight(string(b[4:16]), "\x00"), form{fr.Pver, fr.enc()}, b[headerSize:])
			}
		}
	}
	for _, l := range layouts() {
		seed(l.m.Command(), form{l.pver, l.enc}, unhex(f, l.payload))
	}
	if !seeded {
		f.Fatalf("nothing to begin with for %q", commands)
	}
	f.Fuzz(func(t *testing.T, how uint16, payload []byte) {
		command, fo := formOf(how, commands)
		var m Message
		var err error
		got := allocated(func() { m, err = DecodePayload(command, payload, fo.pver, fo.enc) })
		if limit := uint64(16<<10 + 64*len(payload)); got > limit {
			t.Fatalf("%s of %d bytes takes %d bytes of memory, limit %d", command, len(payload), got, limit)
		}
		shared := empty(command)
		errShared := shared.BtcDecode(bytes.NewBuffer(payload), fo.pver, fo.enc)
		if err != nil {
			if fault.KindOf(err) != fault.Protocol || errShared == nil && len(payload) <= int(shared.MaxPayloadLength(fo.pver)) && fo.soter() {
				t.Fatalf("%s: refused with %v, but from a buffer with %v", command, err, errShared)
			}
			return
		}
		if errShared != nil || !reflect.DeepEqual(m, Message(shared)) {
			t.Fatalf("%s: %+v, but from a buffer %+v, error %v", command, m, shared, errShared)
		}
		comesBack(t, m, fo)
	})
}

// comesBack writes a message and reads it again. Some can be read but not written
// alike: an alert without a payload, a transaction without inputs, which looks as if
// it had witness data, and the relay byte of a version where it is not due.
func comesBack(t *testing.T, m Message, fo form) {
	t.Helper()
	noInputs := func(tx *MsgTx) bool { return len(tx.TxIn) == 0 }
	switch m := m.(type) {
	case *MsgVersion:
		fo.pver = max(fo.pver, BIP0037Version)
		if m.AddrMe.IP == nil { // absent with all that follows, which is written as zeros
			m.AddrMe.IP = make(net.IP, net.IPv6len)
		}
	case *MsgAlert:
		if len(m.SerializedPayload) == 0 {
			return
		}
	case *MsgTx:
		if noInputs(m) {
			fo.enc = BaseEncoding | fo.enc&BitcoinForm
		}
		sizeAgrees(t, m, m.SerializeSize(), m.SerializeSizeStripped())
	case *MsgBlock:
		if slices.ContainsFunc(m.Transactions, noInputs) {
			fo.enc = BaseEncoding | fo.enc&BitcoinForm
			for _, tx := range m.Transactions {
				for _, in := range tx.TxIn {
					in.Witness = nil
				}
			}
		}
		sizeAgrees(t, m, m.SerializeSize(), m.SerializeSizeStripped())
	}
	b, err := AppendMessage(nil, m, fo.pver, SimNet, fo.enc)
	if err != nil {
		t.Fatalf("%s is read but not written: %+v: %v", m.Command(), m, err)
	}
	_, again, _, err := ReadMessageWithEncodingN(bytes.NewReader(b), fo.pver, SimNet, fo.enc)
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Fatalf("%s: %+v comes back as %+v, error %v", m.Command(), m, again, err)
	}
}

// sizeAgrees compares the sizes that a message says it has with what it writes.
func sizeAgrees(t *testing.T, m interface {
	Message
	Serialize(io.Writer) error
	SerializeNoWitness(io.Writer) error
}, full, stripped int) {
	t.Helper()
	var w, base bytes.Buffer
	err := m.Serialize(&w)
	if err2 := m.SerializeNoWitness(&base); err != nil || err2 != nil {
		return // too long for the other form
	}
	if w.Len() != full || base.Len() != stripped {
		t.Fatalf("%s has %d and %d bytes, and says %d and %d", m.Command(), w.Len(), base.Len(), full, stripped)
	}
}

// FuzzTx reads transactions.
func FuzzTx(f *testing.F) { fuzzPayloads(f, CmdTx) }

// FuzzBlock reads blocks.
func FuzzBlock(f *testing.F) { fuzzPayloads(f, CmdBlock) }

// FuzzVersion reads version messages.
func FuzzVersion(f *testing.F) { fuzzPayloads(f, CmdVersion) }

// FuzzAddresses reads lists of nodes.
func FuzzAddresses(f *testing.F) { fuzzPayloads(f, CmdAddr, CmdAddrCache, CmdAddrV2) }

// FuzzInventory reads lists of inventory.
func FuzzInventory(f *testing.F) { fuzzPayloads(f, CmdInv, CmdGetData, CmdNotFound) }

// FuzzHeaders reads headers and what asks for them.
func FuzzHeaders(f *testing.F) {
	fuzzPayloads(f, CmdHeaders, CmdGetHeaders, CmdGetBlocks, CmdMerkleBlock)
}

// FuzzFilters reads bloom filters and committed filters.
func FuzzFilters(f *testing.F) {
	fuzzPayloads(f, CmdFilterLoad, CmdFilterAdd, CmdFilterClear, CmdGetCFilters, CmdGetCFHeaders,
		CmdGetCFCheckpt, CmdCFilter, CmdCFHeaders, CmdCFCheckpt)
}

// FuzzTalk reads what nodes tell each other about themselves.
func FuzzTalk(f *testing.F) {
	fuzzPayloads(f, CmdReject, CmdAlert, CmdPing, CmdPong, CmdFeeFilter, CmdVerAck, CmdGetAddr,
		CmdGetAddrCache, CmdMemPool, CmdSendHeaders, CmdSendAddrV2, CmdWTxIDRelay)
}

// FuzzReadMessage reads any stream of messages.
func FuzzReadMessage(f *testing.F) {
	for _, r := range recordings(f, "*", 57) {
		var stream []byte
		for _, fr := range r.Frames {
			stream = append(stream, fr.bytes(f)...)
		}
		f.Add(uint8(0), stream[:min(len(stream), 4096)])
	}
	f.Fuzz(func(t *testing.T, how uint8, stream []byte) {
		r := bytes.NewReader(stream)
		fo := form{ProtocolVersion, fuzzEncodings[int(how)%len(fuzzEncodings)]}
		for r.Len() > 0 {
			before := r.Len()
			n, m, payload, err := ReadMessageWithEncodingN(r, fo.pver, SimNet, fo.enc)
			if n != before-r.Len() || err == nil && n != headerSize+len(payload) {
				t.Fatalf("says it read %d bytes, and read %d with a payload of %d", n, before-r.Len(), len(payload))
			}
			if err != nil {
				return
			}
			comesBack(t, m, fo)
		}
	})
}

// FuzzSkim compares the two ways to go over a transaction: the fast one refuses what
// the one that explains refuses.
func FuzzSkim(f *testing.F) {
	for _, name := range []string{"msg_tx", "msg_block"} {
		for _, fr := range recordings(f, name, 1)[0].Frames {
			f.Add(true, fr.bytes(f)[headerSize:])
			f.Add(false, fr.bytes(f)[headerSize:])
		}
	}
	f.Fuzz(func(t *testing.T, witness bool, b []byte) {
		n := skim(b, witness, &txCounts{})
		d := newDecoder(b, false)
		defer d.free()
		d.explain(witness)
		if n == 0 && d.Err() == nil || n > 0 && (d.Err() != nil || len(b)-d.Len() != n) {
			t.Fatalf("%d of %d bytes, explained as %d and %v", n, len(b), len(b)-d.Len(), d.Err())
		}
	})
}

// FuzzAlert reads what is in alerts.
func FuzzAlert(f *testing.F) {
	f.Add(recorded(f, "msg_alert", 1).(*MsgAlert).SerializedPayload)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := NewAlertFromPayload(b, ProtocolVersion)
		if err != nil {
			return
		}
		var w bytes.Buffer
		if err := a.Serialize(&w, ProtocolVersion); err != nil {
			t.Fatal(err)
		}
		again, err := NewAlertFromPayload(w.Bytes(), ProtocolVersion)
		if err != nil || !reflect.DeepEqual(again, a) {
			t.Fatalf("%+v comes back as %+v, error %v", a, again, err)
		}
	})
}

// FuzzVarInt reads the integers and texts that programs read on their own.
func FuzzVarInt(f *testing.F) {
	f.Add([]byte{0xfd, 0xfd, 0x00})
	f.Add(append([]byte{3}, "abc"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := ReadVarInt(bytes.NewReader(b), 0); err == nil {
			var w bytes.Buffer
			if err := WriteVarInt(&w, 0, v); err != nil || !bytes.HasPrefix(b, w.Bytes()) || VarIntSerializeSize(v) != w.Len() {
				t.Fatalf("%x is %d, which is written to %x, error %v", b, v, w.Bytes(), err)
			}
		}
		s, err := ReadVarString(bytes.NewReader(b), 0)
		if err == nil {
			var w bytes.Buffer
			if err := WriteVarString(&w, 0, s); err != nil || !bytes.HasPrefix(b, w.Bytes()) {
				t.Fatalf("%x is %q, which is written to %x, error %v", b, s, w.Bytes(), err)
			}
		}
		if p, err2 := ReadVarBytes(bytes.NewReader(b), 0, uint32(len(b)), "bytes"); err == nil && (err2 != nil || string(p) != s) {
			t.Fatalf("%x is %q and %x, error %v", b, s, p, err2)
		}
	})
}

// FuzzBlockHeader reads 80 bytes.
func FuzzBlockHeader(f *testing.F) {
	f.Add(make([]byte, MaxBlockHeaderPayload))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h BlockHeader
		if err := h.Deserialize(bytes.NewReader(b)); err != nil {
			if len(b) >= MaxBlockHeaderPayload {
				t.Fatal(err)
			}
			return
		}
		var w bytes.Buffer
		if err := h.Serialize(&w); err != nil || !bytes.Equal(w.Bytes(), b[:MaxBlockHeaderPayload]) {
			t.Fatalf("%x comes back as %x, error %v", b, w.Bytes(), err)
		}
		if h.BlockHash() != chainhash.DoubleHashH(w.Bytes()) || uint32(h.Timestamp.Unix()) != binary.LittleEndian.Uint32(b[68:]) {
			t.Fatalf("%+v is %s", h, h.BlockHash())
		}
	})
}
