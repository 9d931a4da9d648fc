package factom

import (
	"fmt"
	"net/netip"

	"parley/addr"
	"parley/wire"
)

const fieldShare = 1 // of V11's share message

// appendShare appends the payload of a peer response as version v has it. V11's
// is empty if there is nobody to share; such a response is not sent.
func appendShare(dst []byte, v uint16, network uint32, es []Endpoint) []byte {
	switch v {
	case V9:
		return appendShare9(dst, network, es)
	case V10:
		return appendShare10(dst, es)
	}
	return appendEndpoints(dst, fieldShare, es)
}

// parseShare reads the payload of a peer response of version v. More than limit
// entries are an error as soon as the first of them is seen.
func parseShare(v uint16, b []byte, limit int) ([]Endpoint, error) {
	switch v {
	case V9:
		return parseShareJSON(b, "Address", "Port", limit)
	case V10:
		return parseShare10(b, limit)
	}
	return parseShare11(b, limit)
}

func parseShare10(b []byte, limit int) ([]Endpoint, error) {
	return parseShareJSON(b, "ip", "port", limit)
}

func parseShare11(b []byte, limit int) (es []Endpoint, err error) {
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		if f.Num == fieldShare && r.Want(f, wire.Bytes, "share") {
			es = readEndpoint(&r, f.Data, es, limit)
		}
	}
	return es, r.Err()
}

func location(host string) uint32 {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return 0
	}
	return Location(addr.Addr{IP: ip})
}

// validAddrs returns es as addresses. Any that is not valid is an error; those
// that nobody could dial, such as 0.0.0.0, are left out.
func validAddrs(es []Endpoint) ([]addr.Addr, error) {
	as := make([]addr.Addr, 0, len(es))
	for i, e := range es {
		a, err := e.Addr()
		if err != nil {
			return nil, fmt.Errorf("address %d of %d: %w", i+1, len(es), err)
		}
		if a.Dialable() {
			as = append(as, a)
		}
	}
	return as, nil
}

// undialable reports whether an entry of a share makes no address.
func undialable(e Endpoint) bool {
	_, err := e.Addr()
	return err != nil
}

func endpoints(as []addr.Addr) []Endpoint {
	es := make([]Endpoint, len(as))
	for i, a := range as {
		es[i] = EndpointOf(a)
	}
	return es
}
