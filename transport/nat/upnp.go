package nat

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/huin/goupnp"
	igd "github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

// The error codes that are acted upon (WANIPConnection:2, 2.5).
const (
	noSuchEntry   = 714 // no such mapping
	conflict      = 718 // the external port is somebody else's
	samePorts     = 724 // external and internal port must be the same
	onlyPermanent = 725 // mappings last until they are removed
)

// wan is what the three kinds of connection services have in common.
type wan interface {
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	AddPortMappingCtx(ctx context.Context, remote string, external uint16, proto string, internal uint16, client string, enabled bool, text string, seconds uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, external uint16, proto string) error
	GetSpecificPortMappingEntryCtx(ctx context.Context, remote string, external uint16, proto string) (internal uint16, client string, enabled bool, text string, seconds uint32, err error)
}

// upnpClient speaks UPnP with one connection of one gateway.
type upnpClient struct {
	wan   wan
	local netip.Addr
}

func (n Network) findUPnP(ctx context.Context) (*Gateway, error) {
	local, err := n.towards(n.search())
	if err != nil {
		return nil, err
	}
	// What is found must still be asked, within the same time.
	half, cancel := context.WithTimeout(ctx, n.timeout()*2/3)
	defer cancel()
	urls, err := searchSSDP(half, local, n.search())
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, u := range urls {
		g, err := n.speakUPnP(ctx, u)
		if err == nil {
			return g, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// speakUPnP returns the gateway that describes itself at an address.
func (n Network) speakUPnP(ctx context.Context, at *url.URL) (*Gateway, error) {
	w, err := n.connection(ctx, at)
	if err != nil {
		return nil, err
	}
	gw := hostOf(at)
	where := n.from(gw)
	local, err := where() // which need not be where the search was sent from
	if err != nil {
		return nil, err
	}
	return &Gateway{protocol: UPnP, addr: gw, local: local, where: where, client: &upnpClient{w, local}}, nil
}

// connection returns the first connection in a gateway's description that is
// up, or else the first.
func (n Network) connection(ctx context.Context, at *url.URL) (wan, error) {
	hc := bounded(n.timeout())
	root, err := describe(ctx, &hc, at)
	if err != nil {
		return nil, err
	}
	all := connections(root, at, hc)
	if len(all) == 0 {
		return nil, wrong("description: no connection service on the gateway")
	}
	for _, w := range all[:min(len(all), maxLocations)] {
		c := upnpClient{wan: w}
		if _, err := c.external(ctx); err == nil {
			return w, nil
		}
	}
	return all[0], nil
}

// connections returns the connection services of a description, the newest
// version first. Those that are not on the gateway itself are left out.
func connections(root *goupnp.RootDevice, at *url.URL, hc http.Client) (all []wan) {
	ours := func(c *goupnp.ServiceClient) bool {
		c.SOAPClient.HTTPClient = hc
		return onHost(&c.SOAPClient.EndpointURL, hostOf(at)) == nil
	}
	v2, _ := igd.NewWANIPConnection2ClientsFromRootDevice(root, at)
	for _, c := range v2 {
		if ours(&c.ServiceClient) {
			all = append(all, c)
		}
	}
	v1, _ := igd.NewWANIPConnection1ClientsFromRootDevice(root, at)
	for _, c := range v1 {
		if ours(&c.ServiceClient) {
			all = append(all, c)
		}
	}
	ppp, _ := igd.NewWANPPPConnection1ClientsFromRootDevice(root, at)
	for _, c := range ppp {
		if ours(&c.ServiceClient) {
			all = append(all, c)
		}
	}
	return all
}

func (c *upnpClient) external(ctx context.Context) (netip.Addr, error) {
	text, err := c.wan.GetExternalIPAddressCtx(ctx)
	if err != nil {
		return netip.Addr{}, faultOf(err)
	}
	if text == "" {
		return netip.Addr{}, ErrNoAddress
	}
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil || !a.Unmap().Is4():
		return netip.Addr{}, wrong("external address: %.40q", text)
	case a.Unmap().IsUnspecified():
		return netip.Addr{}, ErrNoAddress
	}
	return a.Unmap(), nil
}

// maxWishes is how many external ports are tried when others hold them.
const maxWishes = 4

// add maps a port. Gateways that make only permanent mappings get one, and
// where the wanted external port is taken, others are tried at random.
func (c *upnpClient) add(ctx context.Context, r Request) (Lease, error) {
	addr, err := c.external(ctx)
	if err != nil {
		return Lease{}, err
	}
	l := Lease{Port: r.Port, UDP: r.UDP}
	wish, seconds := r.Wish, r.seconds()
	if r.Lifetime < 0 {
		seconds = 0 // until it is removed
	}
	for range maxWishes {
		err = c.wan.AddPortMappingCtx(ctx, "", wish, proto(l), r.Port, c.local.String(), true, r.Name, seconds)
		refusal, _ := errors.AsType[*Refusal](faultOf(err))
		switch {
		case err == nil:
			l.External = netip.AddrPortFrom(addr, wish)
			return c.verify(ctx, l, seconds)
		case refusal == nil:
			return Lease{}, faultOf(err)
		case refusal.Code == onlyPermanent && seconds != 0:
			seconds = 0
		case refusal.Code == samePorts && wish != r.Port:
			wish = r.Port
		case refusal.Code == conflict:
			wish = uint16(1024 + rand.N(1<<16-1024))
		default:
			return Lease{}, refusal
		}
	}
	return Lease{}, faultOf(err)
}

// verify reads a mapping back, since gateways shorten leases without saying so.
// A gateway that does not tell is believed.
func (c *upnpClient) verify(ctx context.Context, l Lease, seconds uint32) (Lease, error) {
	port, client, _, _, left, err := c.wan.GetSpecificPortMappingEntryCtx(ctx, "", l.External.Port(), proto(l))
	if err == nil {
		if port != l.Port || client != c.local.String() {
			return Lease{}, wrong("mapping: leads to %.40q port %d", client, port)
		}
		seconds = min(seconds, left)
	}
	l.Lifetime = time.Duration(seconds) * time.Second
	return l, nil
}

func (c *upnpClient) remove(ctx context.Context, l Lease) error {
	err := faultOf(c.wan.DeletePortMappingCtx(ctx, "", l.External.Port(), proto(l)))
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Code == noSuchEntry {
		return nil
	}
	return err
}

func (c *upnpClient) check(ctx context.Context, l Lease) error {
	addr, err := c.external(ctx)
	switch {
	case errors.Is(err, ErrNoAddress):
		return lost("%v", err)
	case err != nil:
		return err
	case addr != l.External.Addr():
		return lost("the external address changed to %v", addr)
	}
	port, client, _, _, _, err := c.wan.GetSpecificPortMappingEntryCtx(ctx, "", l.External.Port(), proto(l))
	refusal, refused := errors.AsType[*Refusal](faultOf(err))
	switch {
	case refused && refusal.Code == noSuchEntry:
		return lost("the gateway does not have it")
	case refused:
		return nil // it does not tell
	case err != nil:
		return faultOf(err)
	case port != l.Port || client != c.local.String():
		return lost("it leads to %.40q port %d", client, port)
	}
	return nil
}

func proto(l Lease) string {
	if l.UDP {
		return "UDP"
	}
	return "TCP"
}

// faultOf turns an error of the library into ours.
func faultOf(err error) error {
	if f, ok := errors.AsType[*soap.SOAPFaultError](err); ok {
		e := f.Detail.UPnPError
		if e.Errorcode == 0 {
			return &Refusal{Text: clip(f.FaultString)}
		}
		return &Refusal{Code: e.Errorcode, Text: clip(e.ErrorDescription)}
	}
	return err
}

// clip shortens text of a gateway for people to read.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100]
	}
	return s
}
