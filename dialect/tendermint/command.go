package tendermint

import (
	"time"

	"parley/dialect"
)

// Ask is a command: ask the peer of a link for addresses now, unless it was asked
// a moment ago or has no peer exchange.
type Ask struct {
	Link dialect.LinkID
}

// Tell is a command: pass on addresses to the peer of a link, who did not ask. Only
// in 2014 was that the custom; later it is ignored, because peers ban whoever does
// it. Addresses without an IP or a port are left out, and what goes beyond the limit of
// the message, 2,500.
type Tell struct {
	Link  dialect.LinkID
	Addrs []NetAddress
}

// command carries out a command.
func (r *rules) command(now time.Time, cmd any, out *dialect.Out) {
	switch c := cmd.(type) {
	case Ask:
		if s := r.sessions[c.Link]; s != nil && s.askable(now) {
			s.ask(now, out)
		}
	case Tell:
		if s := r.sessions[c.Link]; s != nil && s.pex && r.set.form != comet {
			s.tell(c.Addrs, out)
		}
	}
}

// tell passes on addresses.
func (s *session) tell(as []NetAddress, out *dialect.Out) {
	var good []NetAddress
	for _, a := range as[:min(len(as), maxTold2014)] {
		if a.Addr.Dialable() && a.Addr.IP.IsValid() {
			good = append(good, a)
		}
	}
	s.send(TypePEX, s.r.set.form.addresses(good), 0, out)
}
