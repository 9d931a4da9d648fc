package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/compat/soter/chainhash"
	"parley/fault"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		got  fmt.Stringer
		want string
	}{
		{SimNet, "SimNet"}, {MainNet, "MainNet"}, {TestNet, "TestNet"}, {TestNet1, "TestNet1"}, {SoterNet(7), "Unknown SoterNet (7)"},
		{ServiceFlag(0), "0x0"}, {SFNodeNetwork | SFNodeBloom, "SFNodeNetwork|SFNodeBloom"}, {SFNode2X | 1<<40, "SFNode2X|0x10000000000"},
		{InvTypeTx, "MSG_TX"}, {InvTypeWitnessBlock, "MSG_WITNESS_BLOCK"}, {InvType(9), "Unknown InvType (9)"},
		{RejectDuplicate, "REJECT_DUPLICATE"}, {RejectInsufficientFee, "REJECT_INSUFFICIENTFEE"}, {RejectCode(2), "Unknown RejectCode (2)"},
		{OutPoint{Hash: fill(1), Index: 3}, hash01 + ":3"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// TestAdding fills every list to its limit, and one more.
func TestAdding(t *testing.T) {
	h, height, one := &chainhash.Hash{}, new(int32), &InvVect{}
	addr, inv, data, missing := NewMsgAddr(), NewMsgInv(), NewMsgGetData(), NewMsgNotFound()
	addr2, headers, merkle := NewMsgAddrV2(), NewMsgHeaders(), NewMsgMerkleBlock(&BlockHeader{})
	blocks, ask := NewMsgGetBlocks(h), NewMsgGetHeaders()
	cf, points := NewMsgCFHeaders(), NewMsgCFCheckpt(GCSFilterRegular, h, -1)
	for name, c := range map[string]struct {
		limit int
		add   func() error
		m     Message
		enc   MessageEncoding
	}{
		"addr":              {1000, func() error { return addr.AddAddresses(&NetAddress{}) }, addr, BaseEncoding},
		"addrv2":            {1000, func() error { return addr2.AddAddress(&NetAddressV2{Network: 99}) }, addr2, BitcoinForm},
		"inv":               {50_000, func() error { return inv.AddInvVect(one) }, inv, BaseEncoding},
		"getdata":           {50_000, func() error { return data.AddInvVect(one) }, data, BitcoinForm},
		"notfound":          {50_000, func() error { return missing.AddInvVect(one) }, missing, BaseEncoding},
		"headers":           {2000, func() error { return headers.AddBlockHeader(&BlockHeader{}) }, headers, BaseEncoding},
		"getblocks heights": {1, func() error { return blocks.AddBlockLocatorHeight(height) }, blocks, BaseEncoding},
		"getblocks hashes":  {500, func() error { return blocks.AddBlockLocatorHash(h) }, blocks, BitcoinForm},
		"getheaders":        {1, func() error { return ask.AddBlockLocatorHeight(height) }, ask, BaseEncoding},
		"getheaders hashes": {500, func() error { return ask.AddBlockLocatorHash(h) }, ask, BitcoinForm},
		"cfheaders":         {2000, func() error { return cf.AddCFHash(h) }, cf, BaseEncoding},
		"cfcheckpt":         {100_000, func() error { return points.AddCFHeader(h) }, points, BaseEncoding},
		"merkleblock":       {400_001, func() error { return merkle.AddTxHash(h) }, nil, 0},
	} {
		for i := range c.limit {
			if err := c.add(); err != nil {
				t.Fatalf("%s: entry %d: %v", name, i+1, err)
			}
		}
		if err := c.add(); err == nil {
			t.Errorf("%s: entry %d is added", name, c.limit+1)
		}
		if c.m == nil {
			continue
		}
		if err := c.m.BtcEncode(io.Discard, ProtocolVersion, c.enc); err != nil {
			t.Errorf("%s: %d entries are not written: %v", name, c.limit, err)
		}
	}
	if addr.ClearAddresses(); len(addr.AddrList) != 0 {
		t.Error("addresses are left")
	}
	if err := points.AddCFHeader(h); !errors.Is(err, ErrInsaneCFHeaderCount) {
		t.Errorf("header 100,001: error %v", err)
	}
	_, err := DecodePayload(CmdCFCheckpt, append(make([]byte, 33), 0xfe, 0xa1, 0x86, 0x01, 0x00), ProtocolVersion, BaseEncoding)
	if !errors.Is(err, ErrInsaneCFHeaderCount) {
		t.Errorf("100,001 headers are read with error %v", err)
	}
}

// TestRefusedToWrite writes messages that break a limit or lack a part.
func TestRefusedToWrite(t *testing.T) {
	tx := &MsgTx{TxIn: []*TxIn{{Witness: TxWitness{make([]byte, 11_001)}}}}
	for _, c := range []struct {
		m    Message
		enc  MessageEncoding
		want string
	}{
		{&MsgInv{InvList: []*InvVect{nil}}, BaseEncoding, "inv: inventory: an entry is nil"},
		{&MsgAddr{AddrList: []*NetAddress{nil}}, BaseEncoding, "addr: addresses: an entry is nil"},
		{&MsgHeaders{Headers: []*BlockHeader{nil}}, BaseEncoding, "headers: headers: an entry is nil"},
		{&MsgCFHeaders{FilterHashes: []*chainhash.Hash{nil}}, BaseEncoding, "cfheaders: filter hashes: an entry is nil"},
		{&MsgGetBlocks{BlockLocatorHeights: []*int32{nil}}, BaseEncoding, "getblocks: locator: an entry is nil"},
		{&MsgGetBlocks{BlockLocatorHeights: heightsOf(1, 2)}, BaseEncoding, "getblocks: locator heights: 2, limit 1: over the limit"},
		{&MsgTx{TxIn: []*TxIn{nil}}, BaseEncoding, "tx: inputs: an entry is nil"},
		{&MsgTx{TxOut: []*TxOut{nil}}, BaseEncoding, "tx: outputs: an entry is nil"},
		{&MsgBlock{Transactions: []*MsgTx{nil}}, BaseEncoding, "block: transactions: an entry is nil"},
		{&MsgBlock{Transactions: []*MsgTx{{TxIn: []*TxIn{nil}}}}, BaseEncoding, "block: inputs: an entry is nil"},
		{&MsgBlock{Parents: ParentSubHeader{Parents: []*Parent{nil}}}, BaseEncoding, "block: parents: an entry is nil"},
		{tx, WitnessEncoding, "tx: witness item bytes: 11001, limit 11000: over the limit"},
		{&MsgTx{TxOut: []*TxOut{{PkScript: make([]byte, 4_000_000)}}}, BaseEncoding, "tx: payload bytes: 4000023, limit 4000000: over the limit"},
		{&MsgFilterLoad{HashFuncs: 51}, BaseEncoding, "filterload: hash functions: 51, limit 50"},
		{&MsgFilterLoad{Filter: make([]byte, 36_001)}, BaseEncoding, "filterload: filter bytes: 36001, limit 36000: over the limit"},
		{&MsgFilterAdd{Data: make([]byte, 521)}, BaseEncoding, "filteradd: data bytes: 521, limit 520: over the limit"},
		{&MsgAlert{}, BaseEncoding, "alert: payload: no bytes, want at least 1"},
		{&MsgReject{Reason: strings.Repeat("x", 1<<16)}, BaseEncoding, "reject: payload bytes: 65543, limit 65536: over the limit"},
		{&MsgAddrV2{AddrList: []*NetAddressV2{{Network: NetworkIPv4, Addr: make([]byte, 5)}}}, BitcoinForm, "addrv2: address: 5 bytes in network 1, want 4"},
		{&MsgAddrV2{AddrList: []*NetAddressV2{nil}}, BitcoinForm, "addrv2: addresses: an entry is nil"},
	} {
		var w bytes.Buffer
		err := c.m.BtcEncode(&w, ProtocolVersion, c.enc)
		if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Local || w.Len() > 0 {
			t.Errorf("%s: error %v and %d bytes, want %s and none", c.m.Command(), err, w.Len(), c.want)
		}
		before := []byte("before")
		if b, err := AppendMessage(before, c.m, ProtocolVersion, SimNet, c.enc); err == nil || string(b) != "before" {
			t.Errorf("%s: error %v, and %q stands there", c.m.Command(), err, b)
		}
	}
	if err := tx.BtcEncode(io.Discard, ProtocolVersion, BaseEncoding); err != nil {
		t.Errorf("without witness data: %v", err)
	}
}

// TestRefusedToRead reads payloads that break a rule.
func TestRefusedToRead(t *testing.T) {
	header := strings.Repeat("00", 80)
	for _, c := range []struct{ command, payload, want string }{
		{CmdHeaders, "01" + header + "01", "headers: headers: 1 transactions after a header, want 0"},
		{CmdFilterLoad, "00" + "33000000" + "00000000" + "00", "filterload: hash functions: 51, limit 50"},
		{CmdTx, "01000000" + "0002" + strings.Repeat("00", 60), "tx: witness flag: 2, want 1"},
		{CmdTx, "01000000" + "fd0100" + strings.Repeat("00", 60), "tx: integer is not in its shortest form"},
		{CmdGetBlocks, "01000000" + "02" + strings.Repeat("00", 40), "getblocks: locator heights: 2, limit 1"},
		{CmdInv, "fe51c30000", "inv: integer is not in its shortest form"},
		{CmdInv, "fd51c3", "inv: inventory entries: 50001, limit 50000"},
		{CmdAddr, "fde903", "addr: addresses: 1001, limit 1000"},
		{CmdVersion, "7d110100", "version: ends early"},
		{CmdBlock, header + "0100000002000000", "block: parents: 2 in 0 bytes: ends early"},
	} {
		_, err := DecodePayload(c.command, unhex(t, c.payload), ProtocolVersion, WitnessEncoding)
		refused(t, c.command, err, c.want)
	}
	for _, command := range []string{"", "frobnicate"} {
		if _, err := DecodePayload(command, nil, ProtocolVersion, BaseEncoding); err == nil {
			t.Errorf("%q is a command", command)
		}
	}
	// Negative counts are none (soter.md 2).
	m, err := DecodePayload(CmdBlock, unhex(t, header+"01000000ffffffff"+"01000000feffffff"+"00"), ProtocolVersion, BaseEncoding)
	if err != nil || m.(*MsgBlock).Parents.Parents != nil || m.(*MsgBlock).Verification.CycleNonces != nil {
		t.Errorf("a block with negative counts is %+v, error %v", m, err)
	}
}

func TestTransactions(t *testing.T) {
	base := recorded(t, "msg_tx", 0).(*MsgTx)
	witness := recorded(t, "msg_tx", 1).(*MsgTx)
	if base.HasWitness() || !witness.HasWitness() || base.TxHash() != base.WitnessHash() || witness.TxHash() == witness.WitnessHash() {
		t.Error("the hashes do not tell of witness data")
	}
	c := witness.Copy()
	if !reflect.DeepEqual(c, witness) {
		t.Errorf("the copy is %+v, want %+v", c, witness)
	}
	want := witness.WitnessHash()
	c.TxIn[0].Witness[0][0]++
	c.TxIn[0].Witness[0] = nil
	c.TxOut[0].PkScript[0]++
	c.TxOut[0].Value++
	if witness.WitnessHash() != want {
		t.Error("the copy shares memory")
	}
	for _, tx := range []*MsgTx{base, witness} {
		var w bytes.Buffer
		if err := tx.Serialize(&w); err != nil {
			t.Fatal(err)
		}
		for i, at := range tx.PkScriptLocs() {
			if s := tx.TxOut[i].PkScript; !bytes.HasPrefix(w.Bytes()[at:], s) {
				t.Errorf("script %d is not at %d of %x", i, at, w.Bytes())
			}
		}
	}
	if NewMsgTx(1).PkScriptLocs() != nil {
		t.Error("no outputs have scripts")
	}
}

func TestTxLoc(t *testing.T) {
	b := blockOf(t, 2000)
	var w bytes.Buffer
	if err := b.Serialize(&w); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Clone(w.Bytes())
	w.WriteString("next")
	again := &MsgBlock{}
	locs, err := again.DeserializeTxLoc(&w)
	if err != nil || len(locs) != len(b.Transactions) || w.String() != "next" || !reflect.DeepEqual(again, b) {
		t.Fatalf("%d transactions found in %+v, %q left, error %v", len(locs), again, w.String(), err)
	}
	for i, l := range locs {
		var tx MsgTx
		if err := tx.Deserialize(bytes.NewReader(whole[l.TxStart:][:l.TxLen])); err != nil || !reflect.DeepEqual(&tx, b.Transactions[i]) {
			t.Errorf("transaction %d is not at %+v: %v", i, l, err)
		}
	}
	if b.ClearTransactions(); len(b.Transactions) != 0 || b.AddTransaction(NewMsgTx(1)) != nil || len(b.Transactions) != 1 {
		t.Error("transactions are not replaced")
	}
	if _, err := again.DeserializeTxLoc(bytes.NewBuffer(whole[:100])); err == nil {
		t.Error("100 bytes are a block")
	}
}

func TestVersion(t *testing.T) {
	me := NewNetAddress(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, SFNodeNetwork)
	you := NewNetAddressIPPort(net.IPv4(10, 0, 0, 2), 2, 0)
	m := NewMsgVersion(me, you, 7, 8)
	if m.AddService(SFNodeBloom); !m.HasService(SFNodeBloom) || m.HasService(SFNodeBloom|SFNodeWitness) {
		t.Errorf("services are %s", m.Services)
	}
	if err := m.AddUserAgent("peer", "1.0.0", "one", "two"); err != nil || m.UserAgent != "/soterwire:0.6.0/peer:1.0.0(one; two)/" {
		t.Errorf("user agent %s, error %v", m.UserAgent, err)
	}
	was := m.UserAgent
	if err := m.AddUserAgent(strings.Repeat("x", 256), "1"); err == nil || m.UserAgent != was {
		t.Errorf("user agent %s, error %v", m.UserAgent, err)
	}
	got, _, err := ReadMessage(bytes.NewReader(frameOf(t, m)), ProtocolVersion, SimNet)
	if err != nil || got.(*MsgVersion).AddrMe.Port != 1 || !got.(*MsgVersion).Timestamp.Equal(m.Timestamp) {
		t.Errorf("%+v comes back as %+v, error %v", m, got, err)
	}
	if you.AddService(SFNodeCF); !you.HasService(SFNodeCF) || me.HasService(SFNodeCF) {
		t.Error("services of addresses are mixed up")
	}
	at := NewNetAddressTimestamp(time.Unix(5, 999), 0, nil, 3)
	b := frameOf(t, &MsgAddr{AddrList: []*NetAddress{at, {Timestamp: time.Time{}}, {IP: net.IP{1, 2}}}})
	list, _, err := ReadMessage(bytes.NewReader(b), ProtocolVersion, SimNet)
	if err != nil {
		t.Fatal(err)
	}
	for i, na := range list.(*MsgAddr).AddrList {
		if !na.IP.IsUnspecified() && !na.IP.Equal(net.IPv6zero) || na.Timestamp.Unix() != []int64{5, 0, 0}[i] {
			t.Errorf("address %d is %+v", i, na)
		}
	}
}

// foreign is a message of a program.
type foreign struct {
	command string
	body    []byte
	err     error
}

func (m *foreign) BtcDecode(r io.Reader, _ uint32, _ MessageEncoding) error { return m.err }
func (m *foreign) BtcEncode(w io.Writer, _ uint32, _ MessageEncoding) error {
	w.Write(m.body)
	return m.err
}
func (m *foreign) Command() string                { return m.command }
func (m *foreign) MaxPayloadLength(uint32) uint32 { return 10 }

func TestForeignMessages(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		m    *foreign
		want string
	}{
		{&foreign{"mine", []byte("body"), nil}, ""},
		{&foreign{"mine", make([]byte, 11), nil}, "mine: payload bytes: 11, limit 10: over the limit"},
		{&foreign{"thirteenbytes", nil, nil}, `header: command "thirteenbytes": 13 bytes, limit 12`},
		{&foreign{"mine", nil, broken}, "broken"},
	} {
		b, err := AppendMessage(nil, c.m, ProtocolVersion, SimNet, BaseEncoding)
		switch {
		case c.want == "" && (err != nil || !bytes.Equal(b, frameWith("mine", []byte("body")))):
			t.Errorf("%x, error %v", b, err)
		case c.want != "" && (err == nil || err.Error() != c.want || len(b) > 0):
			t.Errorf("%x, error %v, want %s", b, err, c.want)
		}
	}
}

func TestAlerts(t *testing.T) {
	a := NewAlert(1, 2, 3, 4, 5, 6, 7, 8, "comment", "status")
	m := NewMsgAlert(nil, []byte("signature"))
	m.Payload = a
	got, _, err := ReadMessage(bytes.NewReader(frameOf(t, m)), ProtocolVersion, SimNet)
	if err != nil || got.(*MsgAlert).Payload == nil || got.(*MsgAlert).Payload.StatusBar != "status" || got.(*MsgAlert).Payload.MaxVer != 7 {
		t.Errorf("%+v comes back as %+v, error %v", m, got, err)
	}
	if m.SerializedPayload != nil {
		t.Error("writing changed the message")
	}
}

// TestAddrV2IP looks at addresses of every network.
func TestAddrV2IP(t *testing.T) {
	for n, size := range addrV2Sizes {
		na := NetAddressV2{Network: NetworkID(n), Addr: make([]byte, size)}
		if dialable := na.Network == NetworkIPv4 || na.Network == NetworkIPv6; (na.IP() != nil) != dialable {
			t.Errorf("the IP of network %d is %v", n, na.IP())
		}
	}
}

// TestMaking makes messages by the functions for it, and writes and reads them.
func TestMaking(t *testing.T) {
	h := counting(5)
	header := NewBlockHeader(1, &h, &h, 2, 3)
	var w bytes.Buffer
	var again BlockHeader
	if err := header.BtcEncode(&w, 0, BaseEncoding); err != nil || again.BtcDecode(&w, 0, BaseEncoding) != nil || again != *header {
		t.Errorf("%+v comes back as %+v, error %v", header, again, err)
	}
	for _, m := range []Message{
		NewMsgPing(1), NewMsgPong(2), NewMsgFeeFilter(3), NewMsgVerAck(), NewMsgGetAddr(), NewMsgGetAddrCache(),
		NewMsgMemPool(), NewMsgSendHeaders(), NewMsgFilterClear(), NewMsgFilterLoad([]byte{1}, 2, 3, BloomUpdateAll),
		NewMsgFilterAdd([]byte{1}), NewMsgGetCFilters(GCSFilterRegular, 1, &h), NewMsgGetCFHeaders(GCSFilterRegular, 1, &h),
		NewMsgGetCFCheckpt(GCSFilterRegular, &h), NewMsgCFilter(GCSFilterRegular, &h, []byte{1}), NewMsgBlock(header),
		NewMsgMerkleBlock(header), NewMsgReject(CmdTx, RejectDust, "dust"), NewMsgTx(1), NewMsgGetBlocks(&h), NewMsgGetHeaders(),
	} {
		got, _, err := ReadMessage(bytes.NewReader(frameOf(t, m)), ProtocolVersion, SimNet)
		if m, ok := m.(*MsgMerkleBlock); ok {
			m.Flags = []byte{} // what is read has none, and not nil
		}
		if _, bare := m.(*MsgTx); bare { // without inputs it looks as if it had witness data
			if err == nil {
				t.Errorf("a transaction without inputs is read as %+v", got)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v comes back as %+v, error %v", m, got, err)
		}
	}
	for _, m := range []Message{NewMsgSendAddrV2(), NewMsgWTxIDRelay(), NewMsgAddrV2()} {
		b, err := AppendMessage(nil, m, AddrV2Version, SimNet, BaseEncoding|BitcoinForm)
		if err != nil || !bytes.Equal(b[4:4+len(m.Command())], []byte(m.Command())) {
			t.Errorf("%s is written to %x, error %v", m.Command(), b, err)
		}
	}
	var bw bytes.Buffer
	block, other := blockOf(t, 500), &MsgBlock{}
	if err := block.SerializeNoWitness(&bw); err != nil || other.DeserializeNoWitness(&bw) != nil || !reflect.DeepEqual(other, block) {
		t.Errorf("%+v comes back as %+v, error %v", block, other, err)
	}
}

// TestRandom draws numbers that differ.
func TestRandom(t *testing.T) {
	var drawn []uint64
	for range 10 {
		v, err := RandomUint64()
		if err != nil || slices.Contains(drawn, v) {
			t.Fatalf("%x after %x, error %v", v, drawn, err)
		}
		drawn = append(drawn, v)
	}
}

// TestReadersToTheEnd reads off readers that do not know their length.
func TestReadersToTheEnd(t *testing.T) {
	b := frameOf(t, blockOf(t, 300_000))
	_, m, payload, err := ReadMessageN(io.MultiReader(bytes.NewReader(b)), ProtocolVersion, SimNet)
	if err != nil || !bytes.Equal(payload, b[headerSize:]) {
		t.Fatalf("%d bytes of payload, error %v", len(payload), err)
	}
	again := &MsgBlock{}
	if err := again.Deserialize(io.MultiReader(bytes.NewReader(payload))); err != nil || !reflect.DeepEqual(Message(again), m) {
		t.Errorf("the block differs, error %v", err)
	}
	if err := again.Deserialize(io.MultiReader(bytes.NewReader(payload), errReader{})); err != errGone {
		t.Errorf("error %v, want %v", err, errGone)
	}
}

// TestOneAfterTheOther reads transactions off readers that have several.
func TestOneAfterTheOther(t *testing.T) {
	sizes := []int{250, 60_000, 300, 4096, 70_000}
	var b bytes.Buffer
	for i, size := range sizes {
		if err := txOf(t, size, byte(i)).Serialize(&b); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "transactions")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, r := range []io.Reader{bytes.NewReader(b.Bytes()), strings.NewReader(b.String()), file, &b} {
		for i, size := range sizes {
			tx, want := &MsgTx{}, txOf(t, size, byte(i))
			if err := tx.Deserialize(r); err != nil || tx.TxHash() != want.TxHash() {
				t.Errorf("%T: transaction %d is %s, error %v", r, i, tx.TxHash(), err)
			}
		}
		if err := new(MsgTx).Deserialize(r); !errors.Is(err, fault.Protocol) {
			t.Errorf("%T: at the end the error is %v", r, err)
		}
	}
	if err := new(MsgTx).Deserialize(file); err == nil {
		t.Error("there is another transaction")
	}
	file.Close()
	if err := new(MsgTx).Deserialize(file); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file gives %v", err)
	}
}
