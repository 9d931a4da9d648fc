package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	clientTimeout = 10 * time.Second
	maxAnswer     = 64 << 20 // bytes of an answer
)

// ErrUnreachable is in the tree of a client's error when no node answers.
var ErrUnreachable = errors.New("no node answers")

// Client asks a running node. It is safe for concurrent use. Its errors are
// [ErrUnreachable], or what the node had to say.
type Client struct {
	path string
	http http.Client
}

// NewClient returns a client of the control socket at path. It connects with
// the first question.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{path, http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   clientTimeout,
	}}
}

// Status asks what the node is.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Peers asks for every link.
func (c *Client) Peers(ctx context.Context) (*Peers, error) {
	return ask[Peers](ctx, c, http.MethodGet, "/v1/peers", nil)
}

// Closed asks for at most max of the links that ended last; max is 1 to 1,000.
func (c *Client) Closed(ctx context.Context, max int) (*Closed, error) {
	return ask[Closed](ctx, c, http.MethodGet, "/v1/peers/closed?max="+strconv.Itoa(max), nil)
}

// Bans asks who is refused.
func (c *Client) Bans(ctx context.Context) (*Bans, error) {
	return ask[Bans](ctx, c, http.MethodGet, "/v1/bans", nil)
}

// Ban refuses an address.
func (c *Client) Ban(ctx context.Context, q BanRequest) (*BanResult, error) {
	return ask[BanResult](ctx, c, http.MethodPost, "/v1/ban", q)
}

// Unban lifts a ban.
func (c *Client) Unban(ctx context.Context, q UnbanRequest) (*UnbanResult, error) {
	return ask[UnbanResult](ctx, c, http.MethodPost, "/v1/unban", q)
}

// Drop ends a link.
func (c *Client) Drop(ctx context.Context, q DropRequest) (*DropResult, error) {
	return ask[DropResult](ctx, c, http.MethodPost, "/v1/drop", q)
}

// ask sends one request and reads the answer.
func ask[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://parley"+path, r)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, c.path, reason(err))
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, c.path, err)
	}
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("answer: over the limit of %d bytes", maxAnswer)
	}
	if resp.StatusCode != http.StatusOK {
		var p Problem
		if json.Unmarshal(b, &p) != nil || p.Error == "" {
			p.Error = resp.Status
		}
		return nil, errors.New(p.Error)
	}
	v := new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return v, nil
}

// reason takes the request's URL, which says nothing here, off an error.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
