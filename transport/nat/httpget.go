package nat

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/huin/goupnp"
)

// maxBody is the most that is read of a description or an answer.
const maxBody = 256 << 10

var errRedirect = errors.New("redirected")

// bounded returns a client for one gateway's small documents: no proxy, no
// redirection, nothing kept open, headers and bodies limited.
func bounded(timeout time.Duration) http.Client {
	return http.Client{
		Transport: limited{&http.Transport{
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 16 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
		Timeout:       timeout,
	}
}

// limited cuts bodies off at maxBody, where no document is whole.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &body{io.LimitReader(res.Body, maxBody), res.Body}
	return res, nil
}

type body struct {
	io.Reader
	io.Closer
}

// describe reads a gateway's description. The addresses in it are not checked.
func describe(ctx context.Context, hc *http.Client, at *url.URL) (*goupnp.RootDevice, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := hc.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, wrong("description: status %d", res.StatusCode)
	}
	root := &goupnp.RootDevice{}
	d := xml.NewDecoder(res.Body)
	d.DefaultSpace = goupnp.DeviceXMLNamespace
	if err := d.Decode(root); err != nil {
		return nil, wrong("description: %w", err)
	}
	base := at
	if root.URLBaseStr != "" {
		if base, err = url.Parse(root.URLBaseStr); err != nil {
			return nil, wrong("description: base: %w", err)
		}
	}
	root.SetURLBase(base)
	return root, nil
}

// hostOf returns the address in a URL that onHost let pass.
func hostOf(u *url.URL) netip.Addr {
	ip, _ := netip.ParseAddr(u.Hostname())
	return ip.Unmap()
}
