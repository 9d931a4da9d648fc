package tendermint

import (
	"fmt"
	"io"
	"testing"

	"parley/dialect"
	"parley/dialect/dialecttest"
)

// crowd is the dialect of many nodes, each with a key and a network of its own: the
// suite tells sides apart by what they are called.
type crowd struct {
	*Dialect
	t   testing.TB
	cfg Config
}

// Open implements [dialect.Dialect].
func (c crowd) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	cfg := c.cfg
	cfg.Network = fmt.Sprintf("net-%x", o.Self.Network)
	cfg.Key = testKey(o.Self.ID[len(o.Self.ID)-1])
	return mustNew(c.t, cfg).Open(rw, o)
}

func TestConformance(t *testing.T) {
	channels := []Channel{{ID: 0x22, Priority: 7, MaxMessage: 100_000}, {ID: 0xf0}}
	t.Run("cometbft", func(t *testing.T) {
		cfg := Config{Channels: channels}
		d := crowd{mustNew(t, cfg), t, cfg}
		dialecttest.Run(t, d, dialecttest.Options{App: 0x22, MaxBody: 100_000, NoOffers: true})
	})
	for name, cfg := range map[string]Config2014{
		"september": {Channels: channels},
		"december":  {Channels: channels, December: true},
	} {
		t.Run(name, func(t *testing.T) {
			opts := dialecttest.Options{App: 0x22, MaxBody: 100_000, NoExchange: true, NoNetwork: true, NoSelf: true, NoOffers: true}
			dialecttest.Run(t, mustNew2014(t, cfg), opts)
		})
	}
}
