package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/fault"
	"parley/node"
	"parley/transport"
)

// openingPerHost is how many connections of one IP address may be opening at once
// where only one peer may have it.
const openingPerHost = 4

// engine makes the node. Called with the lock.
func (sw *Switch) engine() (*node.Node, error) {
	c := &sw.cfg
	outbox := 0
	var channels []tendermint.Channel
	for _, d := range sw.descs {
		if d.Id == byte(tendermint.TypePEX) && !c.NoPex {
			continue // the dialect's own
		}
		channels = append(channels, d.engine())
		outbox += d.outbox()
	}
	d, err := c.dialect(sw.parsed, channels)
	if err != nil {
		return nil, err
	}
	store := node.Store(nil)
	if c.PeersFile != "" {
		store = node.OpenFile(c.PeersFile, c.Log)
	}
	return node.New(node.Config{
		Dialect:     gate{d, sw},
		Self:        dialect.Self{ID: d.ID(), Agent: c.Version},
		Transport:   carrier{sw},
		Handler:     handler{sw},
		Core:        sw.tuning(),
		Seeds:       sw.parsed.seeds,
		Listen:      sw.parsed.listen,
		Advertise:   sw.parsed.external,
		Store:       store,
		Log:         c.Log,
		OpenTimeout: c.DialTimeout,
		Outbox:      max(outbox, 1<<20),
	})
}

// tuning returns the limits, which may change at run time. Called with the lock.
func (sw *Switch) tuning() core.Config {
	c := &sw.cfg
	perHost := openingPerHost
	if c.AllowDuplicateIP {
		perHost = -1
	}
	backoff := c.Backoff
	if backoff == 0 && c.SeedMode {
		backoff = crawlPause
	}
	return core.Config{
		Outbound: or(c.MaxNumOutboundPeers, defaultOutbound),
		Inbound:  or(c.MaxNumInboundPeers, defaultInbound),
		PerHost:  perHost,
		Twice:    c.AllowDuplicateID,
		Backoff:  backoff,
		BanTime:  c.BanTime,
		Always:   sw.parsed.always,
		Trusted:  c.UnconditionalPeerIDs,
	}
}

// crawlPause is how long a seed leaves a peer alone that it has asked
// or has just heard of: as long as CometBFT's seeds pause between two crawls.
const crawlPause = 30 * time.Second

func or(n, value int) int {
	if n == 0 {
		return value
	}
	return n
}

// handler is what the engine calls.
type handler struct{ sw *Switch }

// Peer implements [node.Handler].
func (h handler) Peer(l *node.Link, up bool, why error) {
	if up {
		h.sw.came(l)
	} else {
		h.sw.left(l, why)
	}
}

// Note implements [node.Handler]: addresses that a peer told go into the book.
func (h handler) Note(l *node.Link, v any) {
	as, ok := v.(tendermint.Addresses)
	book := h.sw.cfg.AddrBook
	if !ok || l == nil || book == nil {
		return
	}
	src := netAddress(l.Addr(), l.Intro().ID)
	for _, a := range as {
		book.AddAddress(netAddress(a.Addr, a.ID), src)
	}
}

// Receive implements [node.Handler].
func (h handler) Receive(l *node.Link, ms []dialect.Message) {
	if p := h.sw.peer(l); p != nil {
		p.mconn.receive(ms)
	}
}

// gate is the dialect with the rules of a Switch about who may come in.
type gate struct {
	*tendermint.Dialect
	sw *Switch
}

// Open implements [dialect.Dialect].
func (g gate) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	inner := *o
	inner.Admit = func(in dialect.Intro) error {
		if err := g.sw.judge(in.ID, o.Remote, o.Dialing); err != nil {
			return &dialect.Refusal{Reason: err.Error()}
		}
		return o.Admit(in)
	}
	return g.Dialect.Open(rw, &inner)
}

var errDuplicateIP = errors.New("there is a peer of this IP address already")

// judge returns why a peer may not come in.
func (sw *Switch) judge(id string, remote addr.Addr, dialed bool) error {
	if sw.cfg.Filter != nil {
		if err := sw.cfg.Filter(id, netAddress(remote, id)); err != nil {
			return err
		}
	}
	if !dialed && sw.crowded(id, remote) {
		return errDuplicateIP
	}
	return nil
}

// crowded reports whether a peer may not come in because another has its IP
// address. Whether one identity may have two connections is another matter. In
// 2014 nobody had an identity, and two nodes that dialed each other could not know.
func (sw *Switch) crowded(id string, remote addr.Addr) bool {
	if sw.cfg.AllowDuplicateIP || sw.cfg.Protocol != CometBFT || sw.parsed.unconditional[id] {
		return false
	}
	for _, a := range sw.parsed.always {
		if a.HostOnly() == remote.HostOnly() {
			return false
		}
	}
	for _, p := range sw.peers.List() {
		if p.machine() == remote.HostOnly() && (id == "" || p.ID() != id || sw.cfg.AllowDuplicateID) {
			return true
		}
	}
	return false
}

// carrier is the transport of a Switch, which tells the book what is dialed.
type carrier struct{ sw *Switch }

func (c carrier) inner() transport.Transport {
	if t := c.sw.cfg.Transport; t != nil {
		return t
	}
	return transport.TCP{}
}

// Dial implements [transport.Transport].
func (c carrier) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	if book := c.sw.cfg.AddrBook; book != nil {
		book.MarkAttempt(netAddress(to, ""))
	}
	return c.inner().Dial(ctx, to)
}

// Listen implements [transport.Transport].
func (c carrier) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	return c.inner().Listen(ctx, at)
}

// parseListen reads where to listen: host:port, where the port may be 0 and the
// host missing.
func parseListen(s string) (addr.Addr, error) {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if strings.HasPrefix(s, ":") {
		s = "0.0.0.0" + s
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return addr.Addr{}, fmt.Errorf("address %.80q: %w", s, err)
	}
	return addr.FromAddrPort(ap), nil
}

// faultOf makes a reason of the application the end of a connection. It costs the
// peer nothing unless the application says so by the kind of a fault.
func faultOf(reason interface{}) error {
	err, ok := reason.(error)
	if !ok {
		err = fmt.Errorf("%v", reason)
	}
	return fault.New(fault.IO, "stop", err)
}
