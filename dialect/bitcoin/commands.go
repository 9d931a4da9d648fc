package bitcoin

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"parley/dialect"
)

// The types of messages. The protocol names its commands by text; these numbers
// stand for them within a program and are not on the wire. Both kinds of network
// share them; which commands a network has is in the table below.
const (
	// TypeOther is any command without a number. The body of such a message is
	// the frame without its magic, so the command is not lost and nothing is
	// copied; see Other and SplitOther. Only Bitcoin's networks pass them on:
	// on Soter's an unknown command is malformed.
	TypeOther uint32 = iota
	TypeVersion
	TypeVerAck
	TypeGetAddr
	TypeAddr
	TypePing
	TypePong
	TypeInv
	TypeGetData
	TypeNotFound
	TypeGetBlocks
	TypeGetHeaders
	TypeHeaders
	TypeBlock
	TypeTx
	TypeMerkleBlock
	TypeMemPool
	TypeReject
	TypeSendHeaders
	TypeFeeFilter
	TypeFilterLoad
	TypeFilterAdd
	TypeFilterClear
	TypeAlert
	TypeGetCFilters
	TypeCFilter
	TypeGetCFHeaders
	TypeCFHeaders
	TypeGetCFCheckpt
	TypeCFCheckpt
	TypeGetAddrCache // Soter only
	TypeAddrCache    // Soter only
	TypeSendAddrV2   // Bitcoin only, BIP155
	TypeAddrV2       // Bitcoin only, BIP155
	TypeWtxidRelay   // Bitcoin only, BIP339

	types // how many there are

	// TypeMalformed is on no wire: the decoder tells the session by it that
	// what came is no message. Its body says what was wrong.
	TypeMalformed = types
)

const (
	commandSize = 12        // bytes of a command in a header
	maxBlock    = 4_000_000 // bytes of a block or a transaction, spec of both networks
	maxText     = 64 << 10  // reject and alert: 32 MiB on paper, a few hundred bytes in practice
	maxOther    = maxBlock  // what no table knows
	none        = -1        // the limit of a command that a network does not have
)

// Limits of lists, in entries.
const (
	MaxInv   = 50_000 // inv, getdata, notfound
	MaxAddrs = 1000   // addr, addrv2, and the three lists of an addrcache together
)

// command is one row of the table: its name and the most bytes its payload may
// have on either kind of network at the newest protocol version.
type command struct {
	name           string
	soter, bitcoin int
	to             dialect.For // who is told of it
	answer         bool        // something may wait for it; see stall.go
}

const (
	app     = dialect.ToApp
	session = dialect.ToSession
)

// commands is the table of soter.md section 2, with two mends: the limit of
// version counts the genesis hash, and that of inventories has 40 bytes an entry,
// so what the protocol allows on paper fits.
var commands = [types]command{
	TypeVersion:      {"version", 376, 1024, session, false},
	TypeVerAck:       {"verack", 0, 0, session, false},
	TypeGetAddr:      {"getaddr", 0, 0, session, false},
	TypeAddr:         {"addr", 9 + MaxAddrs*30, 9 + MaxAddrs*30, session, false},
	TypePing:         {"ping", 8, 8, session, false},
	TypePong:         {"pong", 8, 8, session, false},
	TypeInv:          {"inv", 9 + MaxInv*40, 9 + MaxInv*36, app, true},
	TypeGetData:      {"getdata", 9 + MaxInv*40, 9 + MaxInv*36, app, false},
	TypeNotFound:     {"notfound", 9 + MaxInv*40, 9 + MaxInv*36, app, true},
	TypeGetBlocks:    {"getblocks", 4 + 9 + 4 + 32, 4 + 9 + 500*32 + 32, app, false},
	TypeGetHeaders:   {"getheaders", 4 + 9 + 4 + 32, 4 + 9 + 500*32 + 32, app, false},
	TypeHeaders:      {"headers", 9 + 2000*81, 9 + 2000*81, app, true},
	TypeBlock:        {"block", maxBlock, maxBlock, app, true},
	TypeTx:           {"tx", maxBlock, maxBlock, app, true},
	TypeMerkleBlock:  {"merkleblock", maxBlock, maxBlock, app, true},
	TypeMemPool:      {"mempool", 0, 0, app, false},
	TypeReject:       {"reject", maxText, maxText, app, false},
	TypeSendHeaders:  {"sendheaders", 0, 0, app, false},
	TypeFeeFilter:    {"feefilter", 8, 8, app, false},
	TypeFilterLoad:   {"filterload", 36_012, 36_012, app, false},
	TypeFilterAdd:    {"filteradd", 523, 523, app, false},
	TypeFilterClear:  {"filterclear", 0, 0, app, false},
	TypeAlert:        {"alert", maxText, maxText, app, false},
	TypeGetCFilters:  {"getcfilters", 37, 37, app, false},
	TypeCFilter:      {"cfilter", 262_182, 262_182, app, false},
	TypeGetCFHeaders: {"getcfheaders", 37, 37, app, false},
	TypeCFHeaders:    {"cfheaders", 64_074, 64_074, app, false},
	TypeGetCFCheckpt: {"getcfcheckpt", 33, 33, app, false},
	TypeCFCheckpt:    {"cfcheckpt", 1 + 32 + 9 + 100_000*32, 1 + 32 + 9 + 100_000*32, app, false},
	TypeGetAddrCache: {"getaddrcache", 0, none, session, false},
	TypeAddrCache:    {"addrcache", 3*9 + MaxAddrs*30, none, session, false},
	TypeSendAddrV2:   {"sendaddrv2", none, 0, session, false},
	TypeAddrV2:       {"addrv2", none, 9 + MaxAddrs*(4+9+1+3+maxV2+2), session, false},
	TypeWtxidRelay:   {"wtxidrelay", none, 0, session, false},
}

// padded is a command as it is in a header, filled up with zero bytes.
type padded [commandSize]byte

// byName finds the type of a command. Every message is looked up at least once, so
// this is a table of our own: slots are looked at from the one that the name hashes
// to up to an empty one, of which there are many.
var byName = makeNames()

type slot struct {
	name padded
	typ  uint32 // TypeOther if it is empty
}

func makeNames() (t [256]slot) {
	for typ, c := range commands {
		if c.name == "" {
			continue
		}
		p := pad(c.name)
		i := p.hash()
		for t[i].typ != TypeOther {
			i++
		}
		t[i] = slot{p, uint32(typ)}
	}
	return t
}

// hash is multiplicative, of Knuth's kind.
func (p *padded) hash() uint8 {
	lo, hi := binary.LittleEndian.Uint64(p[:]), binary.LittleEndian.Uint32(p[8:])
	return uint8((lo ^ uint64(hi)) * 0x9e3779b97f4a7c15 >> 56)
}

// typ returns the type that stands for a command, or TypeOther.
func (p *padded) typ() uint32 {
	for i := p.hash(); ; i++ {
		s := &byName[i]
		if s.typ == TypeOther || s.name == *p {
			return s.typ
		}
	}
}

func pad(name string) (p padded) {
	copy(p[:], name)
	return p
}

// text returns the command without its padding. It is not a command if what is
// left is empty, not UTF-8, or followed by something else than zero bytes.
func (p *padded) text() (name string, ok bool) {
	n := bytes.IndexByte(p[:], 0)
	if n < 0 {
		n = len(p)
	}
	for _, c := range p[n:] {
		ok = c == 0
		if !ok {
			return "", false
		}
	}
	return string(p[:n]), n > 0 && utf8.Valid(p[:n])
}

// limit returns the most bytes a payload of a type may have, or none.
func (p *Params) limit(typ uint32) int {
	switch {
	case typ >= types:
		return none
	case typ == TypeOther && p.Soter:
		return none
	case typ == TypeOther:
		return maxOther
	case p.Soter:
		return commands[typ].soter
	}
	return commands[typ].bitcoin
}

// Limit returns the most bytes the payload of a message of a type may have, and
// false if the network has no such command.
func (p *Params) Limit(typ uint32) (bytes int, ok bool) {
	n := p.limit(typ)
	return max(n, 0), n != none && typ != TypeOther
}

// CommandName returns the command that a type stands for, and false for
// TypeOther and for numbers that are no type.
func CommandName(typ uint32) (name string, ok bool) {
	if typ >= types || typ == TypeOther {
		return "", false
	}
	return commands[typ].name, true
}

// TypeOf returns the type that stands for a command, or TypeOther.
func TypeOf(name string) uint32 {
	if len(name) > commandSize {
		return TypeOther
	}
	p := pad(name)
	return p.typ()
}
