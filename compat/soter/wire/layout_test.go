package wire

import (
	"bytes"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"parley/compat/soter/chainhash"
)

// Pieces of the layouts below, in hexadecimal.
var (
	hash01  = strings.Repeat("01", 32)
	hash02  = strings.Repeat("02", 32)
	headers = "01000000" + hash01 + hash02 + "00e10b5e" + "ffff7f20" + "efbeadde"
	addr4   = "0100000000000000" + "00000000000000000000ffff0a000001" + "208d"
	timed4  = "00e10b5e" + addr4
)

func fill(c byte) (h chainhash.Hash) {
	for i := range h {
		h[i] = c
	}
	return h
}

func hashesOf(cs ...byte) (hs []*chainhash.Hash) {
	for _, c := range cs {
		h := fill(c)
		hs = append(hs, &h)
	}
	return hs
}

func heightsOf(hs ...int32) (ps []*int32) {
	for _, h := range hs {
		ps = append(ps, &h)
	}
	return ps
}

// layout is a message and its payload, as soter.md section 2 says it is.
type layout struct {
	enc     MessageEncoding
	pver    uint32
	m       Message
	payload string
}

// layouts are what no recording has: rare commands and Bitcoin's form.
func layouts() []layout {
	const soter, btc = BaseEncoding, BaseEncoding | BitcoinForm
	header := BlockHeader{
		Version: 1, PrevBlock: fill(1), MerkleRoot: fill(2), Timestamp: epoch2020, Bits: 0x207fffff, Nonce: 0xdeadbeef,
	}
	na := NetAddress{Services: SFNodeNetwork, IP: net.ParseIP("10.0.0.1"), Port: 8333}
	seen := na
	seen.Timestamp = epoch2020
	old := []*NetAddress{&na}
	list := []*NetAddress{&seen}
	inv := []*InvVect{{Type: InvTypeWitnessTx, Hash: fill(1)}}
	return []layout{
		{soter, 70013, &MsgHeaders{Headers: []*BlockHeader{&header}}, "01" + headers + "00"},
		{soter, 70013, &MsgMerkleBlock{Header: header, Transactions: 7, Hashes: hashesOf(1, 2), Flags: []byte{0x1d}},
			headers + "07000000" + "02" + hash01 + hash02 + "011d"},
		{soter, 70013, &MsgFilterAdd{Data: []byte{1, 2, 3}}, "03010203"},
		{soter, 70013, &MsgCFilter{BlockHash: fill(1), Data: []byte{9}}, "00" + hash01 + "0109"},
		{soter, 70013, &MsgCFHeaders{StopHash: fill(1), PrevFilterHeader: fill(2), FilterHashes: hashesOf(1)},
			"00" + hash01 + hash02 + "01" + hash01},
		{soter, 70013, &MsgAddrCache{Inbound: list, Known: list}, "01" + timed4 + "00" + "01" + timed4},
		{soter, 31401, &MsgAddrCache{Outbound: old}, "00" + "01" + addr4 + "00"},
		{soter, 208, &MsgAddr{AddrList: old}, "01" + addr4},
		{soter, 60000, &MsgPing{}, ""},
		{btc, 70013, &MsgVersion{
			ProtocolVersion: 70013, Timestamp: epoch2020, AddrYou: na, AddrMe: na, Nonce: 1, UserAgent: "/a:1/", LastBlock: 2,
		}, "7d110100" + "0000000000000000" + "00e10b5e00000000" + addr4 + addr4 + "0100000000000000" + "052f613a312f" + "02000000" + "01"},
		{btc, 70013, &MsgInv{InvList: inv}, "01" + "01000040" + hash01},
		{btc, 70013, &MsgGetData{InvList: inv}, "01" + "01000040" + hash01},
		{btc, 70013, &MsgNotFound{InvList: inv}, "01" + "01000040" + hash01},
		{btc, 70013, &MsgGetBlocks{ProtocolVersion: 1, BlockLocatorHashes: hashesOf(1, 2), HashStop: fill(1)},
			"01000000" + "02" + hash01 + hash02 + hash01},
		{btc, 70013, &MsgGetHeaders{BlockLocatorHashes: hashesOf(2), HashStop: fill(1)}, "00000000" + "01" + hash02 + hash01},
		{soter, 70013, &MsgGetHeaders{BlockLocatorHeights: heightsOf(-1), HashStop: fill(1)}, "00000000" + "01" + "ffffffff" + hash01},
		{btc, 70013, &MsgBlock{Header: header}, headers + "00"},
		{btc, 70016, &MsgSendAddrV2{}, ""},
		{btc, 70016, &MsgWTxIDRelay{}, ""},
		{btc, 70016, &MsgAddrV2{AddrList: []*NetAddressV2{
			{Timestamp: epoch2020, Services: 1033, Network: NetworkIPv4, Addr: []byte{10, 0, 0, 1}, Port: 8333},
			{Timestamp: epoch2020, Network: NetworkTorV3, Addr: bytes.Repeat([]byte{3}, 32)},
			{Timestamp: epoch2020, Network: 99, Addr: []byte{}},
		}}, "03" + "00e10b5e" + "fd0904" + "01" + "040a000001" + "208d" +
			"00e10b5e" + "00" + "04" + "20" + strings.Repeat("03", 32) + "0000" +
			"00e10b5e" + "00" + "63" + "00" + "0000"},
	}
}

// TestLayouts reads and writes what no recording has.
func TestLayouts(t *testing.T) {
	for _, l := range layouts() {
		want := frameWith(l.m.Command(), unhex(t, l.payload))
		writesTo(t, l.m, l.pver, l.enc, want)
		_, m, _, err := ReadMessageWithEncodingN(bytes.NewReader(want), l.pver, SimNet, l.enc)
		if err != nil || !reflect.DeepEqual(m, l.m) {
			t.Errorf("%s is read as\n%+v, error %v, want\n%+v", l.m.Command(), m, err, l.m)
		}
	}
}

// TestBitcoinGenesis reads the first block of Bitcoin in Bitcoin's form.
func TestBitcoinGenesis(t *testing.T) {
	const merkle = "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
	soter := recorded(t, "msg_block", 2).(*MsgBlock) // has the same transaction
	var tx bytes.Buffer
	if err := soter.Transactions[0].Serialize(&tx); err != nil {
		t.Fatal(err)
	}
	b := unhex(t, "01000000"+strings.Repeat("00", 32)+merkle+"29ab5f49"+"ffff001d"+"1dac2b7c"+"01")
	b = append(b, tx.Bytes()...)
	m, err := DecodePayload(CmdBlock, b, ProtocolVersion, WitnessEncoding|BitcoinForm)
	if err != nil {
		t.Fatal(err)
	}
	block := m.(*MsgBlock)
	if h := block.BlockHash(); h.String() != "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" {
		t.Errorf("the block is %s", h)
	}
	hs, err := block.TxHashes()
	if err != nil || len(hs) != 1 || hs[0].String() != "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b" || hs[0] != block.Header.MerkleRoot {
		t.Errorf("the transactions are %s, error %v", hs, err)
	}
}

// TestOtherForm uses commands that networks of a kind do not have.
func TestOtherForm(t *testing.T) {
	for _, c := range []struct {
		enc MessageEncoding
		m   Message
	}{
		{BaseEncoding, &MsgSendAddrV2{}},
		{BaseEncoding, &MsgAddrV2{}},
		{BaseEncoding, &MsgWTxIDRelay{}},
		{BaseEncoding | BitcoinForm, &MsgGetAddrCache{}},
		{BaseEncoding | BitcoinForm, &MsgAddrCache{}},
	} {
		want := c.m.Command() + ": networks of this kind have no such command"
		if err := c.m.BtcEncode(io.Discard, ProtocolVersion, c.enc); err == nil || err.Error() != want {
			t.Errorf("written with error %v, want %s", err, want)
		}
		err := c.m.BtcDecode(bytes.NewReader(nil), ProtocolVersion, c.enc)
		refused(t, c.m.Command(), err, want)
		_, _, _, err = ReadMessageWithEncodingN(bytes.NewReader(frameWith(c.m.Command(), nil)), ProtocolVersion, SimNet, c.enc)
		refused(t, c.m.Command(), err, `header: unknown command "`+c.m.Command())
	}
}

// TestSince reads and writes every command at the last protocol version without it,
// and at the first with it.
func TestSince(t *testing.T) {
	for command, first := range map[string]uint32{
		CmdPong: 60001, CmdMemPool: 60002, CmdFilterLoad: 70001, CmdFilterAdd: 70001, CmdFilterClear: 70001,
		CmdMerkleBlock: 70001, CmdReject: 70002, CmdSendHeaders: 70012, CmdFeeFilter: 70013,
	} {
		m := empty(command)
		var w bytes.Buffer
		if err := m.BtcEncode(&w, first, BaseEncoding); err != nil {
			t.Errorf("%s is not written at %d: %v", command, first, err)
		}
		if _, err := DecodePayload(command, w.Bytes(), first, BaseEncoding); err != nil {
			t.Errorf("%s is not read at %d: %v", command, first, err)
		}
		if err := m.BtcEncode(io.Discard, first-1, BaseEncoding); err == nil {
			t.Errorf("%s is written at %d", command, first-1)
		}
		_, err := DecodePayload(command, w.Bytes(), first-1, BaseEncoding)
		refused(t, command, err, command+": protocol version")
	}
}

// TestMaxPayloadLength compares the limits with soter.md section 2, with the mends of
// version, inventory, reject and alert.
func TestMaxPayloadLength(t *testing.T) {
	for command, want := range map[string]uint32{
		CmdVersion: 376, CmdVerAck: 0, CmdGetAddr: 0, CmdGetAddrCache: 0, CmdAddr: 30_009, CmdAddrCache: 30_027,
		CmdInv: 2_000_009, CmdGetData: 2_000_009, CmdNotFound: 2_000_009, CmdGetBlocks: 49, CmdGetHeaders: 49,
		CmdHeaders: 162_009, CmdBlock: 4_000_000, CmdTx: 4_000_000, CmdMerkleBlock: 4_000_000, CmdPing: 8, CmdPong: 8,
		CmdReject: 65_536, CmdAlert: 65_536, CmdFilterLoad: 36_012, CmdFilterAdd: 523, CmdFilterClear: 0,
		CmdFeeFilter: 8, CmdMemPool: 0, CmdSendHeaders: 0, CmdGetCFilters: 37, CmdGetCFHeaders: 37,
		CmdGetCFCheckpt: 33, CmdCFilter: 262_182, CmdCFHeaders: 64_074, CmdCFCheckpt: 3_200_042,
		CmdSendAddrV2: 0, CmdWTxIDRelay: 0, CmdAddrV2: 531_009,
	} {
		if got := empty(command).MaxPayloadLength(ProtocolVersion); got != want {
			t.Errorf("%s has at most %d bytes, want %d", command, got, want)
		}
	}
}
