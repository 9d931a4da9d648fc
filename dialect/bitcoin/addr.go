package bitcoin

import (
	"encoding/binary"
	"net/netip"

	"parley/addr"
	"parley/fault"
	"parley/wire"
)

const (
	maxV2 = 512 // bytes of an address in addrv2, BIP155

	// The networks of BIP155 whose addresses can be dialed here. Those of
	// others are passed over.
	netIPv4 = 1
	netIPv6 = 2
)

// v2Sizes are the lengths that BIP155 gives to the networks it knows, 1 to 6.
var v2Sizes = [...]int{netIPv4: 4, netIPv6: 16, 3: 10, 4: 32, 5: 32, 6: 16}

// AddrCache is the payload of Soter's addrcache: the peers that a node has and
// others it knows of.
type AddrCache struct {
	Inbound, Outbound, Known []NetAddr
}

// AppendAddrs appends the payload of an addr message for a protocol version. What
// has no IP is left out, as is what is beyond MaxAddrs.
func AppendAddrs(dst []byte, as []NetAddr, pver uint32) []byte {
	as = withIP(as, MaxAddrs)
	dst = wire.AppendCompact(dst, uint64(len(as)))
	for i := range as {
		dst = as[i].appendTimed(dst, pver)
	}
	return dst
}

// ParseAddrs reads the payload of an addr message of a protocol version.
func ParseAddrs(b []byte, pver uint32) ([]NetAddr, error) {
	r := wire.NewReader(b)
	as := readAddrs(&r, "addr", pver, MaxAddrs)
	return as, fault.New(fault.Protocol, "decode", r.Err())
}

// Append appends the payload for a protocol version. What has no IP is left out;
// of more than MaxAddrs addresses it takes those of peers first, outbound ones
// before inbound ones.
func (c *AddrCache) Append(dst []byte, pver uint32) []byte {
	room := MaxAddrs
	take := func(as []NetAddr) []NetAddr {
		as = withIP(as, room)
		room -= len(as)
		return as
	}
	out := take(c.Outbound)
	in := take(c.Inbound)
	for _, list := range [][]NetAddr{in, out, take(c.Known)} {
		dst = wire.AppendCompact(dst, uint64(len(list)))
		for i := range list {
			dst = list[i].appendTimed(dst, pver)
		}
	}
	return dst
}

// Parse reads what Append writes. The limit counts all lists together, so each
// may have what the ones before it left.
func (c *AddrCache) Parse(b []byte, pver uint32) error {
	*c = AddrCache{}
	r := wire.NewReader(b)
	room := MaxAddrs
	for _, list := range []*[]NetAddr{&c.Inbound, &c.Outbound, &c.Known} {
		*list = readAddrs(&r, "addrcache", pver, room)
		room -= len(*list)
	}
	return fault.New(fault.Protocol, "decode", r.Err())
}

// AppendAddrsV2 appends the payload of an addrv2 message, BIP155. What has no IP
// is left out, as is what is beyond MaxAddrs.
func AppendAddrsV2(dst []byte, as []NetAddr) []byte {
	as = withIP(as, MaxAddrs)
	dst = wire.AppendCompact(dst, uint64(len(as)))
	for _, a := range as {
		dst = binary.LittleEndian.AppendUint32(dst, a.Time)
		dst = wire.AppendCompact(dst, uint64(a.Services))
		id := byte(netIPv4)
		if a.Addr.IP.Is6() {
			id = netIPv6
		}
		dst = append(dst, id, byte(v2Sizes[id]))
		dst = append(dst, a.Addr.IP.AsSlice()...)
		dst = binary.BigEndian.AppendUint16(dst, a.Addr.Port)
	}
	return dst
}

// ParseAddrsV2 reads the payload of an addrv2 message. Addresses of networks that
// cannot be dialed here are left out. It is an error if an address has another
// length than its network says.
func ParseAddrsV2(b []byte) (as []NetAddr, err error) {
	r := wire.NewReader(b)
	n := r.CompactCount("addrv2", 4+1+1+1+2, MaxAddrs)
	for range n {
		a := NetAddr{Time: r.Uint32LE(), Services: Services(r.Compact())}
		id := r.Byte()
		ip := r.CompactBytes("addrv2 address", maxV2)
		a.Addr.Port = r.Uint16()
		if r.Err() != nil {
			break
		}
		if int(id) < len(v2Sizes) && id > 0 && len(ip) != v2Sizes[id] {
			return nil, protocol("decode", "addrv2: %d bytes in network %d, want %d", len(ip), id, v2Sizes[id])
		}
		if id != netIPv4 && id != netIPv6 {
			continue
		}
		a.Addr.IP, _ = netip.AddrFromSlice(ip)
		if !a.Addr.IP.Is4In6() { // BIP155: to be ignored
			as = append(as, a)
		}
	}
	if err := r.Err(); err != nil {
		return nil, fault.New(fault.Protocol, "decode", err)
	}
	return as, nil
}

// withIP returns up to limit of the addresses that have an IP. It does not change
// as.
func withIP(as []NetAddr, limit int) []NetAddr {
	out := make([]NetAddr, 0, min(len(as), limit))
	for _, a := range as {
		if len(out) < limit && a.Addr.IP.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// appendTimed appends an entry of a list.
func (a *NetAddr) appendTimed(dst []byte, pver uint32) []byte {
	if pver >= addrTimeVersion {
		dst = binary.LittleEndian.AppendUint32(dst, a.Time)
	}
	return a.append(dst)
}

// readAddrs reads a list of at most limit entries.
func readAddrs(r *wire.Reader, what string, pver uint32, limit int) []NetAddr {
	size := 26
	if pver >= addrTimeVersion {
		size += 4
	}
	n := r.CompactCount(what, size, limit)
	if n == 0 {
		return nil
	}
	as := make([]NetAddr, n)
	for i := range as {
		if pver >= addrTimeVersion {
			as[i].Time = r.Uint32LE()
		}
		as[i].parse(r)
	}
	return as
}

// dialable returns what of a list could be dialed.
func dialable(dst []addr.Addr, as []NetAddr) []addr.Addr {
	for _, a := range as {
		if a.Addr.Dialable() {
			dst = append(dst, a.Addr)
		}
	}
	return dst
}
