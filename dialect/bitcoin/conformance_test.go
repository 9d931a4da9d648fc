package bitcoin

import (
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/dialecttest"
)

// networks are the parameter sets that every property is checked with.
var networks = map[string]Params{
	"soter":   SoterSim(),
	"bitcoin": BitcoinSim(),
	"regtest": SoterRegTest(),
}

func TestConformance(t *testing.T) {
	for name, p := range networks {
		t.Run(name, func(t *testing.T) {
			dialecttest.Run(t, mustNew(t, Config{Params: p}), dialecttest.Options{App: TypeTx, MaxBody: maxBlock, NoOffers: true})
		})
	}
}

// TestConformanceLenient checks links to this machine on a network that passes over
// what is malformed.
func TestConformanceLenient(t *testing.T) {
	dialecttest.Run(t, mustNew(t, Config{Params: BitcoinRegTest()}), dialecttest.Options{
		App: TypeTx, NoOffers: true,
		Prepare: func(o *dialect.Opening) { o.Remote = mustAddr(t, "127.0.0.1:18444") },
	})
}

// TestConformanceEverything checks the mode in which the application sees all.
func TestConformanceEverything(t *testing.T) {
	for _, p := range []Params{SoterSim(), BitcoinSim()} {
		d := mustNew(t, Config{Params: p, Everything: true, NoStall: true, Trickle: -1})
		dialecttest.Run(t, d, dialecttest.Options{
			App: TypeTx, NoOffers: true,
			Prepare: func(o *dialect.Opening) { o.Remote = addr.Addr{Host: "seed.example", Port: 1} },
		})
	}
}

func mustNew(t testing.TB, cfg Config) *Dialect {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
