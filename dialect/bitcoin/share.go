package bitcoin

import (
	"time"

	"parley/addr"
	"parley/dialect"
)

// What a peer may tell without being asked: about one address in ten seconds. What
// we ask for comes on top. More is ignored, not punished: honest nodes send it.
const (
	refill = 10 * time.Second
	brim   = MaxAddrs
)

// bucket says how many addresses may still be learned from a peer.
type bucket struct {
	left  int
	since time.Time // when left was last refilled
}

// take returns how many of n addresses may be learned.
func (b *bucket) take(now time.Time, n int) int {
	if k := int(now.Sub(b.since) / refill); k > 0 {
		b.since = b.since.Add(time.Duration(k) * refill)
		b.left = max(b.left, min(b.left+k, brim))
	}
	n = min(n, b.left)
	b.left -= n
	return n
}

// ask requests addresses.
func (s *peer) ask(now time.Time, out *dialect.Out) {
	s.asked = now
	s.room.left = max(s.room.left, brim)
	s.send(TypeGetAddr, nil, out)
}

// askable returns when the peer may be asked.
func (s *peer) askable(pause time.Duration) time.Time {
	if s.asked.IsZero() {
		return time.Time{}
	}
	return s.asked.Add(pause)
}

// give answers a request for addresses, unless the last one was just answered.
// There is no answer if there are none.
func (s *peer) give(now time.Time, typ uint32, out *dialect.Out) {
	if !s.answered.IsZero() && now.Sub(s.answered) < s.r.cfg.AddrInterval/2 {
		return
	}
	s.answered = now
	as := s.r.view.Share(s.id, MaxAddrs)
	if typ == TypeGetAddrCache {
		s.giveCache(now, as, out)
		return
	}
	s.giveAddrs(netAddrs(now, as), out)
}

// giveAddrs sends addresses in the form that the peer understands.
func (s *peer) giveAddrs(as []NetAddr, out *dialect.Out) {
	switch as = withIP(as, MaxAddrs); {
	case len(as) == 0:
	case s.hs.AddrV2:
		s.send(TypeAddrV2, AppendAddrsV2(nil, as), out)
	default:
		s.send(TypeAddr, AppendAddrs(nil, as, s.version), out)
	}
}

// giveCache sends addresses sorted by what they are to us. It gives no more away
// than what the node lets be shared.
func (s *peer) giveCache(now time.Time, as []addr.Addr, out *dialect.Out) {
	dialed, accepted := map[addr.Addr]bool{}, map[addr.Addr]bool{}
	for _, o := range s.r.named(0) {
		if o.hs.Dialed {
			dialed[o.hs.Remote] = true
		} else {
			accepted[o.hs.Remote.WithPort(o.hs.Version.From.Addr.Port)] = true
		}
	}
	var c AddrCache
	for _, a := range withIP(netAddrs(now, as), MaxAddrs) {
		switch {
		case dialed[a.Addr]:
			c.Outbound = append(c.Outbound, a)
		case accepted[a.Addr]:
			c.Inbound = append(c.Inbound, a)
		default:
			c.Known = append(c.Known, a)
		}
	}
	if len(c.Outbound)+len(c.Inbound)+len(c.Known) > 0 {
		s.send(TypeAddrCache, c.Append(nil, s.version), out)
	}
}

// netAddrs describes addresses that the node has proven: they were seen just now,
// and are of nodes like others.
func netAddrs(now time.Time, as []addr.Addr) []NetAddr {
	out := make([]NetAddr, len(as))
	for i, a := range as {
		out[i] = NetAddr{Time: uint32(now.Unix()), Services: ServiceNetwork, Addr: a}
	}
	return out
}

// tellOwn tells a peer that we dialed where we can be dialed, because it cannot see
// that. A node that does not know its own address takes the one that this very peer
// sees.
func (s *peer) tellOwn(now time.Time, out *dialect.Out) {
	own := s.hs.Own.From.Addr
	if own.Port == 0 {
		return
	}
	if !own.IP.IsValid() || own.IP.IsUnspecified() {
		own.IP = s.hs.Version.To.Addr.IP
	}
	if own.Dialable() {
		s.giveAddrs([]NetAddr{{Time: uint32(now.Unix()), Services: s.hs.Own.Services, Addr: own}}, out)
	}
}

// learn takes addresses, as many as there is room for.
func (s *peer) learn(now time.Time, m dialect.Message, out *dialect.Out) {
	as, err := s.parse(m)
	if err != nil {
		s.malformed(now, err, out)
		return
	}
	all := dialable(nil, as)
	out.Learn = append(out.Learn, all[:s.room.take(now, len(all))]...)
}

func (s *peer) parse(m dialect.Message) ([]NetAddr, error) {
	switch m.Type {
	case TypeAddrV2:
		return ParseAddrsV2(m.Body)
	case TypeAddrCache:
		var c AddrCache
		err := c.Parse(m.Body, s.version)
		return append(append(c.Outbound, c.Inbound...), c.Known...), err
	}
	return ParseAddrs(m.Body, s.version)
}
