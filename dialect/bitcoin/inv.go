package bitcoin

import (
	"encoding/binary"

	"parley/fault"
	"parley/wire"
)

// InvType says what an inventory entry stands for.
type InvType uint32

// The kinds of inventory. InvWitness may be added to each, BIP144.
const (
	InvError         InvType = 0
	InvTx            InvType = 1
	InvBlock         InvType = 2
	InvFilteredBlock InvType = 3
	InvWitness       InvType = 1 << 30
)

// Inv names something that a node has. Equal values name the same thing, so it can
// be a map key.
type Inv struct {
	Type   InvType
	Hash   Hash
	Height int32 // Soter only: of the block, or 0
}

// urgent reports whether v is announced without waiting.
func (v Inv) urgent() bool { return v.Type&^InvWitness == InvBlock }

// invSize returns how many bytes an entry takes.
func (p *Params) invSize() int {
	if p.Soter {
		return 40
	}
	return 36
}

// AppendInvs appends the payload of an inv, getdata or notfound message. The caller
// sees to it that there are no more than MaxInv.
func (p *Params) AppendInvs(dst []byte, vs []Inv) []byte {
	dst = wire.AppendCompact(dst, uint64(len(vs)))
	for i := range vs {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(vs[i].Type))
		dst = append(dst, vs[i].Hash[:]...)
		if p.Soter {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(vs[i].Height))
		}
	}
	return dst
}

// ParseInvs reads what AppendInvs writes. Bytes after it are not looked at.
func (p *Params) ParseInvs(b []byte) ([]Inv, error) {
	r := wire.NewReader(b)
	vs := make([]Inv, r.CompactCount("inventory", p.invSize(), MaxInv))
	for i := range vs {
		vs[i].Type = InvType(r.Uint32LE())
		copy(vs[i].Hash[:], r.Take(32))
		if p.Soter {
			vs[i].Height = int32(r.Uint32LE())
		}
	}
	return vs, fault.New(fault.Protocol, "decode", r.Err())
}

// known remembers the inventory that a peer has, newest first, and forgets the
// oldest beyond a limit. Memory grows with what is in it. It keys by value: equal
// inventory is the same whoever made it.
type known struct {
	limit int
	at    map[Inv]int32
	nodes []knownNode
	first int32 // newest
	last  int32 // oldest
}

type knownNode struct {
	inv        Inv
	prev, next int32 // towards the newer and the older one; ignored at the ends
}

func (k *known) has(v Inv) bool {
	_, ok := k.at[v]
	return ok
}

// add makes v the newest.
func (k *known) add(v Inv) {
	i, ok := k.at[v]
	switch {
	case ok && i == k.first:
		return
	case ok:
		k.unlink(i)
	case len(k.nodes) < k.limit:
		if k.at == nil {
			k.at = map[Inv]int32{}
		}
		i = int32(len(k.nodes))
		k.nodes = append(k.nodes, knownNode{})
	default:
		i = k.last
		delete(k.at, k.nodes[i].inv)
		k.unlink(i)
	}
	k.at[v] = i
	k.nodes[i] = knownNode{inv: v, next: k.first}
	if len(k.at) == 1 {
		k.last = i
	} else {
		k.nodes[k.first].prev = i
	}
	k.first = i
}

// unlink takes a node out of the order.
func (k *known) unlink(i int32) {
	n := k.nodes[i]
	if i == k.first {
		k.first = n.next
	} else {
		k.nodes[n.prev].next = n.next
	}
	if i == k.last {
		k.last = n.prev
	} else {
		k.nodes[n.next].prev = n.prev
	}
}
