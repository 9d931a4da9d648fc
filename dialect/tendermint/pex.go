package tendermint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"parley/addr"
	"parley/fault"
	"parley/wire"
)

// Limits of the lists of addresses that peers send.
const (
	maxTold     = 1000 // in one message; CometBFT sends 250 at most
	maxTold2014 = 2500 // in 2014
)

// exchange is one message of peer exchange: a request, or addresses.
type exchange struct {
	request bool
	addrs   []NetAddress
}

// Field numbers of a pex Message and of the address in it.
const (
	fieldRequest = 1
	fieldAddrs   = 2

	fieldAddr = 1

	fieldAddrID   = 1
	fieldAddrIP   = 2
	fieldAddrPort = 3
)

// The first byte of the messages in 2014.
const (
	oldRequest = 1
	oldAddrs   = 2
)

var errNeither = errors.New("neither a request nor addresses")

// parseExchange reads a message of peer exchange. An address that is none is an
// error; one that nobody could dial is not, and is for the caller to leave out.
func (f form) parseExchange(b []byte) (x exchange, err error) {
	if f == comet {
		x, err = parseComet(b)
	} else {
		x, err = f.parse2014(b)
	}
	if err != nil && f == december && len(b) > 1 && b[0] == b[1] {
		x, err = f.parse2014(b[1:]) // it came twice if the sender had encoded others before
	}
	if err != nil {
		return exchange{}, fault.New(fault.Protocol, "peers", fmt.Errorf("peer exchange: %w", err))
	}
	return x, nil
}

func parseComet(b []byte) (x exchange, err error) {
	known := false
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldRequest:
			r.Want(f, wire.Bytes, "request")
			x, known = exchange{request: true}, true
		case fieldAddrs:
			r.Want(f, wire.Bytes, "addresses")
			x, known = exchange{addrs: readAddrs(&r, f.Data)}, true
		}
	}
	if err := r.Err(); err != nil {
		return x, err
	}
	if !known {
		return x, errNeither
	}
	return x, nil
}

func readAddrs(outer *wire.Reader, b []byte) (as []NetAddress) {
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		if f.Num != fieldAddr || !r.Want(f, wire.Bytes, "address") {
			continue
		}
		if err := wire.CheckLen("addresses", uint64(len(as)+1), maxTold); err != nil {
			r.Fail(err)
			break
		}
		as = append(as, readAddr(&r, f.Data))
	}
	if r.Err() != nil {
		outer.Fail(r.Err())
	}
	return as
}

func readAddr(outer *wire.Reader, b []byte) (n NetAddress) {
	var ip, id []byte
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldAddrID:
			r.Want(f, wire.Bytes, "identity")
			id = f.Data
		case fieldAddrIP:
			r.Want(f, wire.Bytes, "ip")
			ip = f.Data
		case fieldAddrPort:
			if r.Want(f, wire.Varint, "port"); f.Int > 0xffff {
				r.Fail(fmt.Errorf("port: %d, limit 65535", f.Int))
			}
			n.Addr.Port = uint16(f.Int)
		}
	}
	if r.Err() == nil {
		a, err := netip.ParseAddr(string(ip[:min(len(ip), 64)]))
		if err != nil || a.Zone() != "" {
			r.Fail(fmt.Errorf("ip %.64q is not an address", ip))
		}
		n.ID, n.Addr.IP = string(id[:min(len(id), 2*idSize+1)]), a.Unmap()
	}
	if r.Err() != nil {
		outer.Fail(r.Err())
	}
	return n
}

// parse2014 reads the forms of 2014.
func (f form) parse2014(b []byte) (x exchange, err error) {
	r := wire.NewReader(b)
	switch typ := r.Byte(); {
	case r.Err() != nil:
		return x, r.Err()
	case typ == oldRequest:
		return exchange{request: true}, r.End()
	case typ != oldAddrs:
		return x, errNeither
	}
	n := int(f.length(&r, maxTold2014))
	if least := 6; n > r.Len()/least {
		return x, fmt.Errorf("addresses: %d in %d bytes", n, r.Len())
	}
	for range n {
		ip, ok := netip.AddrFromSlice(r.Take(int(f.length(&r, 16))))
		if port := r.Uint16LE(); ok && r.Err() == nil {
			x.addrs = append(x.addrs, NetAddress{Addr: addr.Addr{IP: ip.Unmap(), Port: port}})
		} else {
			r.Fail(errors.New("ip: neither 4 nor 16 bytes"))
		}
	}
	return x, r.End()
}

// length reads a length of at most limit.
func (f form) length(r *wire.Reader, limit int) uint64 {
	var n uint64
	if f == december {
		n = r.Uvarint()
	} else {
		n = uint64(r.Uint32LE())
	}
	if err := wire.CheckLen("peer exchange", n, limit); err != nil {
		r.Fail(err)
		return 0
	}
	return n
}

// request returns a request for addresses.
func (f form) request() []byte {
	if f == comet {
		return wire.AppendBytesHead(nil, fieldRequest, 0)
	}
	return []byte{oldRequest}
}

// addresses returns a message that passes on addresses. In 2014 those without an
// IP are left out by the caller.
func (f form) addresses(as []NetAddress) []byte {
	var list []byte
	for _, a := range as {
		list = f.appendAddr(list, a)
	}
	switch f {
	case comet:
		return append(wire.AppendBytesHead(nil, fieldAddrs, len(list)), list...)
	case december:
		return append(binary.AppendUvarint([]byte{oldAddrs}, uint64(len(as))), list...)
	}
	return append(binary.LittleEndian.AppendUint32([]byte{oldAddrs}, uint32(len(as))), list...)
}

func (f form) appendAddr(dst []byte, a NetAddress) []byte {
	if f == comet {
		var m []byte
		m = wire.AppendStringField(m, fieldAddrID, a.ID)
		m = wire.AppendStringField(m, fieldAddrIP, a.Addr.IP.String())
		m = wire.AppendVarintField(m, fieldAddrPort, uint64(a.Addr.Port))
		return append(wire.AppendBytesHead(dst, fieldAddr, len(m)), m...)
	}
	ip := a.Addr.IP.As16()
	if f == december {
		dst = append(dst, byte(len(ip)))
	} else {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(ip)))
	}
	return binary.LittleEndian.AppendUint16(append(dst, ip[:]...), a.Addr.Port)
}
