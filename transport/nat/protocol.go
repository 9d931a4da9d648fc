package nat

import "fmt"

// Protocol says how to talk to gateways.
type Protocol uint8

// The protocols, the preferred first. None asks nobody, and Any tries all.
const (
	None Protocol = iota
	PCP
	NATPMP
	UPnP
	Any
)

var protocols = [...]string{None: "none", PCP: "pcp", NATPMP: "natpmp", UPnP: "upnp", Any: "any"}

// String returns the protocol's name as ParseProtocol reads it.
func (p Protocol) String() string {
	if int(p) < len(protocols) {
		return protocols[p]
	}
	return fmt.Sprintf("protocol %d", p)
}

// ParseProtocol reads any, upnp, natpmp, pcp or none.
func ParseProtocol(s string) (Protocol, error) {
	for p, name := range protocols {
		if s == name {
			return Protocol(p), nil
		}
	}
	return None, fmt.Errorf("nat: %q, wanted any, upnp, natpmp, pcp or none", s)
}

// MarshalText returns the protocol's name.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParseProtocol reads.
func (p *Protocol) UnmarshalText(b []byte) (err error) {
	*p, err = ParseProtocol(string(b))
	return err
}

// each returns the single protocols that p stands for, the preferred first.
func (p Protocol) each() []Protocol {
	switch p {
	case None:
		return nil
	case Any:
		return []Protocol{PCP, NATPMP, UPnP}
	}
	return []Protocol{p}
}
