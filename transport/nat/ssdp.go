package nat

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The bounds of one search.
const (
	maxAnswers   = 64                     // datagrams looked at
	maxLocations = 4                      // gateways asked
	answerSize   = 4 << 10                // bytes of one answer
	searchAgain  = 500 * time.Millisecond // pause before the search is sent again
	searchMore   = 300 * time.Millisecond // how long others may take once one answered
)

// targets is what is searched for. A gateway of version 2 must answer for
// version 1 too (UPnP Device Architecture 1.1, 1.3.2), but not all do.
var targets = [...]string{
	"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
	"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
}

// searchSSDP returns where the gateways that answer a search describe themselves.
func searchSSDP(ctx context.Context, local netip.Addr, to netip.AddrPort) ([]*url.URL, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: local.AsSlice()})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var found locations
	var sent error
	for wait := searchAgain; ctx.Err() == nil && len(found.urls) == 0 && found.heard < maxAnswers; wait *= 2 {
		for _, st := range targets {
			if _, err := c.WriteToUDPAddrPort(searchFor(st), to); err != nil {
				sent = err
			}
		}
		found.read(ctx, c, wait)
	}
	switch {
	case len(found.urls) > 0:
		return found.urls, nil
	case found.last != nil:
		return nil, found.last
	case sent != nil:
		return nil, unreachable(sent)
	}
	return nil, ErrNoGateway
}

// searchFor returns a search. Other devices answer within a second.
func searchFor(st string) []byte {
	return fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: %v\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: %s\r\n\r\n", ssdp, st)
}

// locations collects answers.
type locations struct {
	urls  []*url.URL
	heard int
	last  error // of an answer that was refused
}

// read takes in answers until wait is over, and only for searchMore once there is one.
func (f *locations) read(ctx context.Context, c *net.UDPConn, wait time.Duration) {
	b := make([]byte, answerSize)
	end := time.Now().Add(wait)
	for f.heard < maxAnswers && len(f.urls) < maxLocations {
		c.SetReadDeadline(end)
		if ctx.Err() != nil {
			return // or the line above undid the end
		}
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		f.heard++
		u, err := location(b[:n], from.Addr().Unmap())
		if err != nil {
			f.last = err
			continue
		}
		if f.add(u) && len(f.urls) == 1 {
			if soon := time.Now().Add(searchMore); soon.Before(end) {
				end = soon
			}
		}
	}
}

func (f *locations) add(u *url.URL) bool {
	for _, have := range f.urls {
		if *have == *u {
			return false
		}
	}
	f.urls = append(f.urls, u)
	return true
}

// location returns where an answer says its sender describes itself. It must be
// on the sender, so that nobody can have us ask somebody else.
func location(b []byte, from netip.Addr) (*url.URL, error) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return nil, wrong("search: %w", err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, wrong("search: status %d", res.StatusCode)
	}
	u, err := url.Parse(res.Header.Get("LOCATION"))
	if err != nil {
		return nil, wrong("search: location: %w", err)
	}
	return u, onHost(u, from)
}

// onHost refuses addresses that are not plain HTTP on a host.
func onHost(u *url.URL, host netip.Addr) error {
	if u.Scheme != "http" || u.User != nil {
		return wrong("address %q: not plain http", u)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err != nil || ip.Unmap() != host {
		return wrong("address %q: not on the gateway, %v", u, host)
	}
	return nil
}
