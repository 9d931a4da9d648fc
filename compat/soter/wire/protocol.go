// Package wire has the messages of Soter's and Bitcoin's networks under the names
// that programs written for soterd and btcd know, and reads and writes them.
//
// Soter's form of messages is the default. [BitcoinForm], added to an encoding,
// selects that of Bitcoin where the two differ: version, inv, getdata, notfound,
// getblocks, getheaders and block; each form has a few commands that the other has
// not.
//
// What is read is checked against its limits and against the bytes that are there
// before memory is made for it. A message read by [ReadMessage] or [DecodePayload]
// keeps the payload and has its scripts, filters and addresses in it: the payload
// must not be changed then, and lives as long as a part of the message. The method
// BtcDecode copies what it keeps; off a [bytes.Buffer] or an [io.ReadSeeker] it takes
// exactly the payload, any other reader it reads to the end or to the limit of the
// message.
//
// Functions may be called from any goroutine. A message has one owner; several
// goroutines may read it as long as nobody changes it.
package wire

import (
	"fmt"
	"strings"

	"parley/dialect/bitcoin"
)

// Protocol versions: each is the first one that has what its name says.
const (
	// ProtocolVersion is the newest version of Soter's networks.
	ProtocolVersion uint32 = 70013

	// MultipleAddressVersion has several addresses in one addr message.
	MultipleAddressVersion uint32 = 209

	// NetAddressTimeVersion has the time in addresses of lists.
	NetAddressTimeVersion uint32 = 31402

	// BIP0031Version is the last version without pong; those after it have it.
	BIP0031Version uint32 = 60000

	// BIP0035Version has mempool.
	BIP0035Version uint32 = 60002

	// BIP0037Version has bloom filters, and the relay field of version.
	BIP0037Version uint32 = 70001

	// RejectVersion has reject.
	RejectVersion uint32 = 70002

	// BIP0111Version has the service bit for bloom filters.
	BIP0111Version uint32 = 70011

	// SendHeadersVersion has sendheaders.
	SendHeadersVersion uint32 = 70012

	// FeeFilterVersion has feefilter.
	FeeFilterVersion uint32 = 70013

	// AddrV2Version has addrv2 and sendaddrv2, BIP155, in Bitcoin's form.
	AddrV2Version uint32 = 70016
)

// SoterNet says which network a message belongs to. It is the first four bytes of
// every message, least significant first.
type SoterNet uint32

// The networks. Soter has the numbers of Bitcoin's networks.
const (
	MainNet  = SoterNet(bitcoin.MainNet)
	TestNet  = SoterNet(bitcoin.RegTest) // the regression network
	TestNet1 = SoterNet(bitcoin.TestNet3)
	SimNet   = SoterNet(bitcoin.SimNet)
)

// String returns the name of the constant, or the number.
func (n SoterNet) String() string {
	switch n {
	case MainNet:
		return "MainNet"
	case TestNet:
		return "TestNet"
	case TestNet1:
		return "TestNet1"
	case SimNet:
		return "SimNet"
	}
	return fmt.Sprintf("Unknown SoterNet (%d)", uint32(n))
}

// ServiceFlag is a set of bits that say what a node offers.
type ServiceFlag uint64

// The services.
const (
	SFNodeNetwork ServiceFlag = 1 << iota // has blocks
	SFNodeGetUTXO                         // answers getutxos, BIP64
	SFNodeBloom                           // serves bloom filters, BIP111
	SFNodeWitness                         // has witness data, BIP144
	SFNodeXthin                           // has xthin blocks
	SFNodeBit5                            // without a meaning
	SFNodeCF                              // serves committed filters
	SFNode2X                              // follows SegWit2X
)

var serviceNames = [...]string{
	"SFNodeNetwork", "SFNodeGetUTXO", "SFNodeBloom", "SFNodeWitness",
	"SFNodeXthin", "SFNodeBit5", "SFNodeCF", "SFNode2X",
}

// String returns the names of the bits with | between them, and those without a
// name as one number.
func (f ServiceFlag) String() string {
	if f == 0 {
		return "0x0"
	}
	var names []string
	for i, name := range serviceNames {
		if bit := ServiceFlag(1) << i; f&bit != 0 {
			names = append(names, name)
			f &^= bit
		}
	}
	if f != 0 {
		names = append(names, fmt.Sprintf("%#x", uint64(f)))
	}
	return strings.Join(names, "|")
}
