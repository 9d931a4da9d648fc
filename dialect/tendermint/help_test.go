package tendermint

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
)

var epoch = time.Unix(1_700_000_000, 0).UTC()

// script is a connection whose other end has said all it will say.
type script struct {
	in    *bytes.Reader
	wrote bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error) { return s.wrote.Write(p) }

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func mustParse(t testing.TB, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustNew(t testing.TB, cfg Config) *Dialect {
	t.Helper()
	setDefault(&cfg.Network, "test-chain")
	if cfg.Key == nil {
		cfg.Key = testKey(1)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustNew2014(t testing.TB, cfg Config2014) *Dialect {
	t.Helper()
	d, err := New2014(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func opening(t testing.TB, dialing bool, remote string, seed byte) *dialect.Opening {
	return &dialect.Opening{
		Dialing: dialing,
		Remote:  mustParse(t, remote),
		Self:    dialect.Self{Listen: mustParse(t, "203.0.113.7:26656")},
		Now:     epoch,
		Rand:    rand.NewChaCha8([32]byte{seed}),
		Admit:   func(dialect.Intro) error { return nil },
	}
}

// result is how an opening ended.
type result struct {
	link *dialect.Link
	err  error
}

// openPair opens both ends of a connection that buffers nothing.
func openPair(dialer, listener *Dialect, x, y *dialect.Opening) (a, b result) {
	here, there := net.Pipe()
	var wg sync.WaitGroup
	run := func(c net.Conn, d *Dialect, o *dialect.Opening, r *result) {
		if r.link, r.err = d.Open(c, o); r.err != nil {
			c.Close()
		}
	}
	wg.Go(func() { run(here, dialer, x, &a) })
	wg.Go(func() { run(there, listener, y, &b) })
	wg.Wait()
	return a, b
}

// couple returns both ends of a link with these channels.
func couple(t testing.TB, cfg Config) (a, b *dialect.Link) {
	t.Helper()
	other := cfg
	cfg.Key, other.Key = testKey(1), testKey(2)
	x, y := openPair(mustNew(t, cfg), mustNew(t, other),
		opening(t, true, "192.0.2.2:26656", 1), opening(t, false, "192.0.2.1:50000", 2))
	if x.err != nil || y.err != nil {
		t.Fatal(x.err, y.err)
	}
	return x.link, y.link
}

// pipe is one end of a connection that does not outlive a test of hostility.
type pipe struct{ net.Conn }

// against opens a link with a peer that a test plays, and returns how that ends.
// If it opens, the link is put into each of ls.
func against(d *Dialect, o *dialect.Opening, peer func(c *pipe) error, ls ...**dialect.Link) error {
	here, there := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		if peer(&pipe{there}) == nil {
			io.Copy(io.Discard, there) // what it is told it does not care about
		}
		there.Close()
	})
	link, err := d.Open(here, o)
	here.Close()
	wg.Wait()
	for _, l := range ls {
		*l = link
	}
	return err
}
