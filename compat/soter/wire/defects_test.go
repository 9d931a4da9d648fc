package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"parley/compat/soter/chainhash"
	"parley/dialect/bitcoin"
	"parley/fault"
)

// frameWith returns a message with any payload.
func frameWith(command string, payload []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(SimNet))
	b = append(b, command...)
	b = append(b, make([]byte, CommandSize-len(command))...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, bitcoin.Checksum(payload))
	return append(b, payload...)
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestNoCrashByAddrCache: soterd died of a 64-byte addrcache with a count that wraps
// the running total round (soter.md 0, 4).
func TestNoCrashByAddrCache(t *testing.T) {
	one := make([]byte, 30)
	for _, lists := range [][]byte{
		append(append([]byte{1}, one...), "\xff\xff\xff\xff\xff\xff\xff\xff\xff"...),
		[]byte("\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		append(append([]byte{1}, one...), "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff"...),
		append(append([]byte{1}, one...), "\xfd\xe8\x03"...), // 1 + 1000
	} {
		for _, b := range [][]byte{lists, append(lists, make([]byte, 40_000)...)[:30_000]} {
			_, _, err := ReadMessage(bytes.NewReader(frameWith(CmdAddrCache, b)), ProtocolVersion, SimNet)
			refused(t, "addrcache", err, "addrcache: addresses: ")
		}
	}
}

// TestNoMemoryForNothing: soterd made room for 149 MB because of a 34-byte tx, for
// 85 MB because of 33 bytes, and for 33.5 MB because of a reject or alert of 29
// bytes (soter.md 0, 5). Here nothing small makes more than a little.
func TestNoMemoryForNothing(t *testing.T) {
	head := string(make([]byte, MaxBlockHeaderPayload))
	for _, c := range []struct{ name, command, payload string }{
		{"outputs", CmdTx, "\x01\x00\x00\x00\x00\xfe\x87\xe3\x38\x00"},
		{"inputs", CmdTx, "\x01\x00\x00\x00\xfe\xe0\x7c\x0c\x00"},
		{"witness", CmdTx, "\x01\x00\x00\x00\x00\x01\x01" + head[:36] + "\x00\xff\xff\xff\xff\x00\xfe\x20\xa1\x07\x00"},
		{"script", CmdTx, "\x01\x00\x00\x00\x01" + head[:36] + "\xfe\x00\x00\x00\x02"},
		{"command", CmdReject, "\xfe\x00\x00\x00\x02"},
		{"reason", CmdReject, "\x00\x01\xfe\x00\x00\x00\x02"},
		{"payload", CmdAlert, "\xfe\x00\x00\x00\x02"},
		{"signature", CmdAlert, "\x01\x00\xfe\x00\x00\x00\x02"},
		{"transactions", CmdBlock, head + "\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xfe\x81\x1a\x06\x00"},
		{"parents", CmdBlock, head + "\x01\x00\x00\x00\xff\xff\xff\x7f"},
		{"cycle nonces", CmdBlock, head + "\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\x7f"},
		{"inventory", CmdInv, "\xfd\x50\xc3"},
		{"addresses", CmdAddr, "\xfd\xe8\x03"},
		{"headers", CmdHeaders, "\xfd\xd0\x07"},
		{"hashes", CmdMerkleBlock, head + "\x00\x00\x00\x00\xfe\x81\x1a\x06\x00"},
		{"filter hashes", CmdCFHeaders, "\x00" + head[:64] + "\xfd\xd0\x07"},
		{"filter headers", CmdCFCheckpt, "\x00" + head[:32] + "\xfe\xa0\x86\x01\x00"},
		{"filter", CmdCFilter, "\x00" + head[:32] + "\xfe\x00\x00\x04\x00"},
	} {
		b := frameWith(c.command, []byte(c.payload))
		var err error
		got := allocated(func() { _, _, err = ReadMessage(bytes.NewReader(b), ProtocolVersion, SimNet) })
		refused(t, c.name, err, c.command+": ")
		if limit := uint64(4096 + 8*len(b)); got > limit {
			t.Errorf("%s: %d bytes of %s make %d bytes of memory, limit %d", c.name, len(b), c.command, got, limit)
		}
	}
}

// TestNoMemoryForPromises: room for a payload grows with what arrives of it.
func TestNoMemoryForPromises(t *testing.T) {
	b := frameWith(CmdBlock, make([]byte, MaxBlockPayload))
	for _, n := range []int{headerSize, headerSize + 1000, headerSize + 200_000} {
		var err error
		r := io.MultiReader(bytes.NewReader(b[:n]), errReader{})
		got := allocated(func() { _, _, err = ReadMessage(r, ProtocolVersion, SimNet) })
		if err != errGone {
			t.Errorf("after %d bytes: error %v, want %v", n, err, errGone)
		}
		if limit := uint64(2*firstRead + 2*growth*n); got > limit {
			t.Errorf("after %d bytes: %d bytes of memory, limit %d", n, got, limit)
		}
	}
}

var errGone = errors.New("connection is gone")

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errGone }

// TestInventoryOver45000: soterd's payload limit forgot the height, so that more
// than 45,000 entries could not be sent (soter.md 0, 6).
func TestInventoryOver45000(t *testing.T) {
	for _, n := range []int{45_000, 45_001, MaxInvPerMsg} {
		m := invOf(n)
		got, _, err := ReadMessage(bytes.NewReader(frameOf(t, m)), ProtocolVersion, SimNet)
		if err != nil || len(got.(*MsgInv).InvList) != n || *got.(*MsgInv).InvList[n-1] != *m.InvList[n-1] {
			t.Errorf("%d entries come back as %T, error %v", n, got, err)
		}
	}
	m := invOf(MaxInvPerMsg)
	if err := m.AddInvVect(&InvVect{}); err == nil {
		t.Error("entry 50,001 is added")
	}
	m.InvList = append(m.InvList, &InvVect{})
	err := m.BtcEncode(io.Discard, ProtocolVersion, BaseEncoding)
	if want := "inv: inventory entries: 50001, limit 50000: over the limit"; err == nil || err.Error() != want {
		t.Errorf("50,001 entries: error %v, want %s", err, want)
	}
	if fault.KindOf(err) != fault.Local {
		t.Errorf("%v is of kind %v, want our own mistake", err, fault.KindOf(err))
	}
}

// TestUserAgentUpTo256: soterd's limit of version forgot the genesis hash, so that
// user agents of more than 240 bytes broke the opening exchange (soter.md 0, 6).
func TestUserAgentUpTo256(t *testing.T) {
	m := recorded(t, "msg_version", 0).(*MsgVersion)
	for _, n := range []int{240, 241, 256} {
		m.UserAgent = strings.Repeat("a", n)
		got, _, err := ReadMessage(bytes.NewReader(frameOf(t, m)), ProtocolVersion, SimNet)
		if err != nil || got.(*MsgVersion).UserAgent != m.UserAgent {
			t.Errorf("%d bytes come back as %+v, error %v", n, got, err)
		}
	}
	m.UserAgent += "a"
	err := m.BtcEncode(io.Discard, ProtocolVersion, BaseEncoding)
	if want := "version: user agent bytes: 257, limit 256: over the limit"; err == nil || err.Error() != want {
		t.Errorf("257 bytes: error %v, want %s", err, want)
	}
}

// TestRejectBelowItsVersion: soterd encoded the reject of a version that is too old
// at that version and lost it without a word (soter.md 0, 7). The error says so, and
// the same reject can be written at the version of the writer.
func TestRejectBelowItsVersion(t *testing.T) {
	m := NewMsgReject(CmdVersion, RejectObsolete, "protocol version must be 209 or greater")
	err := m.BtcEncode(io.Discard, 208, BaseEncoding)
	if want := "reject: protocol version 208, the command needs 70002"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := m.BtcEncode(io.Discard, ProtocolVersion, BaseEncoding); err != nil {
		t.Error(err)
	}
}

// TestInventoryIsAValue: btcd took equal inventory in a new struct for another one
// (soter.md 0, 10).
func TestInventoryIsAValue(t *testing.T) {
	h := counting(1)
	known := map[InvVect]bool{*NewInvVect(InvTypeTx, &h, 7): true}
	if !known[InvVect{InvTypeTx, counting(1), 7}] || known[InvVect{InvTypeTx, counting(1), 8}] {
		t.Error("inventory is not known by type, hash and height")
	}
}

// TestAddrCacheHoldsWhatFits: soterd let entry 1001 in and could not write it then
// (soter.md 1.10).
func TestAddrCacheHoldsWhatFits(t *testing.T) {
	m := NewMsgAddrCache()
	for i := range MaxAddrPerMsg {
		add := [...]func(*NetAddress) error{m.AddInbound, m.AddOutbound, m.AddKnown}[i%3]
		if err := add(&NetAddress{Port: uint16(i)}); err != nil {
			t.Fatalf("address %d: %v", i, err)
		}
	}
	for _, add := range [...]func(*NetAddress) error{m.AddInbound, m.AddOutbound, m.AddKnown} {
		if err := add(&NetAddress{}); err == nil {
			t.Error("address 1001 is added")
		}
	}
	got, _, err := ReadMessage(bytes.NewReader(frameOf(t, m)), ProtocolVersion, SimNet)
	if err != nil || got.(*MsgAddrCache).Len() != MaxAddrPerMsg {
		t.Errorf("1000 addresses come back as %+v, error %v", got, err)
	}
}

// TestEndOnTheBorderOfAField: soterd took a payload that ends there for a connection
// that was closed, and did not answer (soter.md 1.11).
func TestEndOnTheBorderOfAField(t *testing.T) {
	for _, r := range recordings(t, "msg_*", 25) {
		f := r.Frames[0]
		payload := f.bytes(t)[headerSize:]
		command := strings.TrimPrefix(r.name, "msg_")
		for n := range payload {
			m, err := DecodePayload(command, payload[:n], f.Pver, f.enc())
			if command == CmdVersion && err == nil && n >= 46 {
				continue // the fields that may be absent
			}
			if m != nil {
				t.Errorf("%s: %d of %d bytes are read as %+v", command, n, len(payload), m)
			}
			refused(t, r.name, err, command+": ")
		}
	}
}

// TestRefusedAtTheHeader: soterd went on reading what it had refused, so that a
// header alone kept it waiting (soter.md 2).
func TestRefusedAtTheHeader(t *testing.T) {
	announce := func(b []byte, size uint32) []byte {
		binary.LittleEndian.PutUint32(b[16:], size)
		return b[:headerSize]
	}
	other := frameWith(CmdPing, nil)
	other[0]++
	for _, c := range []struct {
		head []byte
		want string
		rest int64
	}{
		{announce(frameWith(CmdPing, nil), 9), "ping: payload bytes: 9, limit 8", 9},
		{announce(frameWith("frobnicate", nil), 1000), "header: unknown command", 1000},
		{announce(frameWith("\xff\xfe", nil), 1000), "header: command", 1000},
		{announce(frameWith("pi\x00g", nil), 8), "header: unknown command", 8},
		{announce(other, 77), "header: network", 77},
	} {
		r := io.MultiReader(bytes.NewReader(c.head), errReader{})
		n, _, _, err := ReadMessageN(r, ProtocolVersion, SimNet)
		refused(t, c.want, err, c.want)
		if e, _ := errors.AsType[*MessageError](err); n != headerSize || e == nil || e.Rest != c.rest {
			t.Errorf("%s: %d bytes read and %+v, want %d left", c.want, n, e, c.rest)
		}
	}
}

// TestBlocksTakeFewAllocations: soterd and btcd allocate seven times a transaction.
func TestBlocksTakeFewAllocations(t *testing.T) {
	for _, c := range []struct {
		m    Message
		most float64
	}{{txOf(t, 250, 1), 2}, {blockOf(t, 1<<20), 12}, {invOf(1000), 4}} {
		whole := frameOf(t, c.m)
		r := bytes.NewReader(nil)
		got := testing.AllocsPerRun(20, func() {
			r.Reset(whole)
			if _, _, err := ReadMessage(r, ProtocolVersion, SimNet); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.most {
			t.Errorf("reading %s of %d bytes takes %.0f allocations, limit %.0f", c.m.Command(), len(whole), got, c.most)
		}
	}
}

// TestScriptsDoNotGrowIntoEachOther appends to parts of a message that was read.
func TestScriptsDoNotGrowIntoEachOther(t *testing.T) {
	whole := frameOf(t, blockOf(t, 1000))
	m, _, err := ReadMessage(bytes.NewReader(whole), ProtocolVersion, SimNet)
	if err != nil {
		t.Fatal(err)
	}
	b := m.(*MsgBlock)
	tx := b.Transactions[0]
	tx.TxIn[0].SignatureScript = append(tx.TxIn[0].SignatureScript, 1, 2, 3)
	tx.TxOut[0].PkScript = append(tx.TxOut[0].PkScript, 1, 2, 3)
	tx.AddTxIn(&TxIn{})
	tx.AddTxOut(&TxOut{})
	b.Transactions[0] = txOf(t, 250, 0)
	if again := frameOf(t, b); !bytes.Equal(again, whole) {
		t.Errorf("the other transactions changed: %x, want %x", again, whole)
	}
	if h := (&MsgTx{}).TxHash(); h == (chainhash.Hash{}) {
		t.Error("an empty transaction has no hash")
	}
}
