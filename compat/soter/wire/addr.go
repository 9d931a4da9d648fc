package wire

import (
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"time"

	"parley/dialect/bitcoin"
	bin "parley/wire"
)

// MaxAddrPerMsg is the most addresses of addr and addrv2, and of the three lists of
// addrcache together.
const MaxAddrPerMsg = bitcoin.MaxAddrs

// NetAddress is a node as the protocol writes it.
type NetAddress struct {
	// Timestamp is when the node was last seen, in whole seconds. It is
	// written in lists only, from protocol version 31402 on.
	Timestamp time.Time

	// Services is what the node offers.
	Services ServiceFlag

	// IP of the node. One that is neither 4 nor 16 bytes is written as zeros.
	IP net.IP

	// Port that the node listens on.
	Port uint16
}

// NewNetAddress returns the address of a connection's end, seen now.
func NewNetAddress(addr *net.TCPAddr, services ServiceFlag) *NetAddress {
	return NewNetAddressIPPort(addr.IP, uint16(addr.Port), services)
}

// NewNetAddressIPPort returns an address that was seen now.
func NewNetAddressIPPort(ip net.IP, port uint16, services ServiceFlag) *NetAddress {
	return NewNetAddressTimestamp(time.Now(), services, ip, port)
}

// NewNetAddressTimestamp returns an address that was seen at a time, which is cut
// to seconds.
func NewNetAddressTimestamp(timestamp time.Time, services ServiceFlag, ip net.IP, port uint16) *NetAddress {
	return &NetAddress{Timestamp: time.Unix(timestamp.Unix(), 0), Services: services, IP: ip, Port: port}
}

// HasService reports whether the node offers all of a set of services.
func (na *NetAddress) HasService(service ServiceFlag) bool { return na.Services&service == service }

// AddService adds services. It must not run at the same time as other methods.
func (na *NetAddress) AddService(service ServiceFlag) { na.Services |= service }

// seconds appends a time as 32 bits. What does not fit in is written as 0.
func (e *encoder) seconds(t time.Time) {
	s := t.Unix()
	if s < 0 || s > math.MaxUint32 {
		s = 0
	}
	e.uint32(uint32(s))
}

func (d *decoder) seconds() time.Time { return time.Unix(int64(d.Uint32LE()), 0) }

// addr appends the 26 bytes of an address without time.
func (e *encoder) addr(na *NetAddress) {
	e.uint64(uint64(na.Services))
	var ip [net.IPv6len]byte
	copy(ip[:], na.IP.To16())
	e.raw(ip[:])
	e.uint16be(int(na.Port))
}

func (d *decoder) addr(na *NetAddress) {
	na.Services = ServiceFlag(d.Uint64LE())
	na.IP = d.keep(d.Take(net.IPv6len))
	na.Port = d.Uint16()
}

// addrSize returns the bytes of one entry of a list.
func (f form) addrSize() int {
	if f.pver >= NetAddressTimeVersion {
		return 30
	}
	return 26
}

// addrs appends a list of at most room entries.
func (e *encoder) addrs(list []*NetAddress, f form, room int) {
	e.b = slices.Grow(e.b, 9+min(len(list), room)*f.addrSize())
	e.count("addresses", len(list), room)
	for _, na := range list {
		if e.err != nil {
			return
		}
		if na == nil {
			e.fail(fmt.Errorf("addresses: an entry is nil"))
			return
		}
		if f.pver >= NetAddressTimeVersion {
			e.seconds(na.Timestamp)
		}
		e.addr(na)
	}
}

// addrs reads a list of at most room entries into one array.
func (d *decoder) addrs(f form, room int) []*NetAddress {
	n := d.CompactCount("addresses", f.addrSize(), room)
	if n == 0 {
		return nil
	}
	all := make([]NetAddress, n)
	list := make([]*NetAddress, n)
	for i := range all {
		if f.pver >= NetAddressTimeVersion {
			all[i].Timestamp = d.seconds()
		}
		d.addr(&all[i])
		list[i] = &all[i]
	}
	return list
}

// addrRoom returns how many addresses an addr message has at most.
func (f form) addrRoom() int {
	if f.pver < MultipleAddressVersion {
		return 1
	}
	return MaxAddrPerMsg
}

// MsgAddr tells of nodes.
type MsgAddr struct {
	// AddrList has at most MaxAddrPerMsg entries, none of them nil; one below
	// protocol version 209.
	AddrList []*NetAddress
}

// NewMsgAddr returns a message without addresses.
func NewMsgAddr() *MsgAddr { return &MsgAddr{} }

// AddAddress adds an address. It is an error if there are MaxAddrPerMsg already.
func (m *MsgAddr) AddAddress(na *NetAddress) error {
	if err := roomFor(CmdAddr, len(m.AddrList)+1); err != nil {
		return err
	}
	m.AddrList = append(m.AddrList, na)
	return nil
}

// AddAddresses adds addresses until there are MaxAddrPerMsg; more are an error.
func (m *MsgAddr) AddAddresses(netAddrs ...*NetAddress) error {
	for _, na := range netAddrs {
		if err := m.AddAddress(na); err != nil {
			return err
		}
	}
	return nil
}

// ClearAddresses takes all addresses out.
func (m *MsgAddr) ClearAddresses() { m.AddrList = nil }

func roomFor(command string, n int) error {
	if n > MaxAddrPerMsg {
		return badField(command, "addresses", fmt.Sprintf("%d, limit %d", n, MaxAddrPerMsg))
	}
	return nil
}

// BtcDecode implements [Message].
func (m *MsgAddr) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgAddr) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgAddr) Command() string { return CmdAddr }

// MaxPayloadLength implements [Message].
func (m *MsgAddr) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdAddr) }

func (m *MsgAddr) write(e *encoder, f form) { e.addrs(m.AddrList, f, f.addrRoom()) }
func (m *MsgAddr) read(d *decoder, f form)  { m.AddrList = d.addrs(f, f.addrRoom()) }

// MsgAddrCache tells of all nodes that a node knows of. It is Soter's only. The
// lists together have at most MaxAddrPerMsg entries, none of them nil.
type MsgAddrCache struct {
	Inbound  []*NetAddress // peers that have dialed the node
	Outbound []*NetAddress // peers that the node has dialed
	Known    []*NetAddress // others
}

// NewMsgAddrCache returns a message without addresses.
func NewMsgAddrCache() *MsgAddrCache { return &MsgAddrCache{} }

// AddInbound adds the address of a peer that has dialed the node. It is an error
// if there are MaxAddrPerMsg addresses already.
func (m *MsgAddrCache) AddInbound(na *NetAddress) error { return m.add(&m.Inbound, na) }

// AddOutbound adds the address of a peer that the node has dialed, as AddInbound.
func (m *MsgAddrCache) AddOutbound(na *NetAddress) error { return m.add(&m.Outbound, na) }

// AddKnown adds another address, as AddInbound.
func (m *MsgAddrCache) AddKnown(na *NetAddress) error { return m.add(&m.Known, na) }

// Len returns how many addresses there are.
func (m *MsgAddrCache) Len() int { return len(m.Inbound) + len(m.Outbound) + len(m.Known) }

func (m *MsgAddrCache) add(list *[]*NetAddress, na *NetAddress) error {
	if err := roomFor(CmdAddrCache, m.Len()+1); err != nil {
		return err
	}
	*list = append(*list, na)
	return nil
}

// BtcDecode implements [Message].
func (m *MsgAddrCache) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgAddrCache) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgAddrCache) Command() string { return CmdAddrCache }

// MaxPayloadLength implements [Message].
func (m *MsgAddrCache) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdAddrCache) }

func (m *MsgAddrCache) write(e *encoder, f form) {
	room := MaxAddrPerMsg
	for _, list := range [...][]*NetAddress{m.Inbound, m.Outbound, m.Known} {
		e.addrs(list, f, max(room, 0))
		room -= len(list)
	}
}

// read gives every list the room that those before it left, so that no sum of
// counts can wrap round.
func (m *MsgAddrCache) read(d *decoder, f form) {
	*m = MsgAddrCache{}
	room := MaxAddrPerMsg
	for _, list := range [...]*[]*NetAddress{&m.Inbound, &m.Outbound, &m.Known} {
		*list = d.addrs(f, room)
		room -= len(*list)
	}
}

// maxAddrV2 is the bytes of an address at most, BIP155.
const maxAddrV2 = 512

// NetworkID says which network an address of addrv2 belongs to, BIP155.
type NetworkID uint8

// The networks of BIP155. Addresses of networks that are not here are kept as they
// are.
const (
	NetworkIPv4  NetworkID = 1
	NetworkIPv6  NetworkID = 2
	NetworkTorV2 NetworkID = 3
	NetworkTorV3 NetworkID = 4
	NetworkI2P   NetworkID = 5
	NetworkCJDNS NetworkID = 6
)

// addrV2Sizes are the bytes of addresses of the networks above.
var addrV2Sizes = [...]int{NetworkIPv4: 4, NetworkIPv6: 16, NetworkTorV2: 10, NetworkTorV3: 32, NetworkI2P: 32, NetworkCJDNS: 16}

// NetAddressV2 is a node as addrv2 writes it.
type NetAddressV2 struct {
	Timestamp time.Time   // when the node was last seen, in whole seconds
	Services  ServiceFlag // what the node offers
	Network   NetworkID   // which network Addr belongs to
	Addr      []byte      // 4 to 32 bytes on networks above, at most 512 on others
	Port      uint16
}

// IP returns the address if it is of the networks IPv4 or IPv6, else nil.
func (na *NetAddressV2) IP() net.IP {
	if na.Network != NetworkIPv4 && na.Network != NetworkIPv6 {
		return nil
	}
	return net.IP(na.Addr)
}

// check returns an error if the address has not the length of its network.
func (na *NetAddressV2) check() error {
	n := int(na.Network)
	if n > 0 && n < len(addrV2Sizes) && len(na.Addr) != addrV2Sizes[n] {
		return fmt.Errorf("address: %d bytes in network %d, want %d", len(na.Addr), n, addrV2Sizes[n])
	}
	return nil
}

// MsgAddrV2 tells of nodes, on networks of all kinds, BIP155. It is Bitcoin's only.
type MsgAddrV2 struct {
	// AddrList has at most MaxAddrPerMsg entries, none of them nil.
	AddrList []*NetAddressV2
}

// NewMsgAddrV2 returns a message without addresses.
func NewMsgAddrV2() *MsgAddrV2 { return &MsgAddrV2{} }

// AddAddress adds an address. It is an error if there are MaxAddrPerMsg already.
func (m *MsgAddrV2) AddAddress(na *NetAddressV2) error {
	if err := roomFor(CmdAddrV2, len(m.AddrList)+1); err != nil {
		return err
	}
	m.AddrList = append(m.AddrList, na)
	return nil
}

// BtcDecode implements [Message].
func (m *MsgAddrV2) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgAddrV2) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgAddrV2) Command() string { return CmdAddrV2 }

// MaxPayloadLength implements [Message].
func (m *MsgAddrV2) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdAddrV2) }

func (m *MsgAddrV2) write(e *encoder, _ form) {
	e.count("addresses", len(m.AddrList), MaxAddrPerMsg)
	for _, na := range m.AddrList {
		if e.err != nil {
			return
		}
		if na == nil {
			e.fail(fmt.Errorf("addresses: an entry is nil"))
			return
		}
		if err := na.check(); err != nil {
			e.fail(err)
		}
		e.seconds(na.Timestamp)
		e.b = bin.AppendCompact(e.b, uint64(na.Services))
		e.byte(byte(na.Network))
		e.data("address", na.Addr, maxAddrV2)
		e.uint16be(int(na.Port))
	}
}

func (m *MsgAddrV2) read(d *decoder, _ form) {
	*m = MsgAddrV2{}
	n := d.CompactCount("addresses", 4+1+1+1+2, MaxAddrPerMsg)
	if n == 0 {
		return
	}
	all := make([]NetAddressV2, n)
	m.AddrList = make([]*NetAddressV2, n)
	for i := range all {
		na := &all[i]
		m.AddrList[i] = na
		na.Timestamp = d.seconds()
		na.Services = ServiceFlag(d.Compact())
		na.Network = NetworkID(d.Byte())
		na.Addr = d.data("address", maxAddrV2)
		na.Port = d.Uint16()
		if err := na.check(); err != nil {
			d.Fail(err)
			return
		}
	}
}
