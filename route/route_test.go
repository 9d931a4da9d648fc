package route

import (
	"math/rand/v2"
	"slices"
	"testing"

	"parley/dialect"
)

// targets returns n links with IDs from 1, of which the first few are Always.
func targets(n, always int) []Target {
	live := make([]Target, n)
	for i := range live {
		live[i] = Target{Link: dialect.LinkID(i + 1), Always: i < always}
	}
	return live
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 9)) }

var pickers = map[string]Picker{
	"all": All(), "one": One(), "fanout 0": Fanout(0), "fanout 3": Fanout(3), "fanout 99": Fanout(99), "only": Only(2),
}

func TestPickersNeverPickTwiceNorTheOrigin(t *testing.T) {
	for name, p := range pickers {
		for seed := range uint64(200) {
			r := rng(seed)
			live := targets(r.IntN(12), r.IntN(3))
			if len(live) > 0 {
				live[r.IntN(len(live))].Origin = true
			}
			got := p.Pick([]int{-7}, live, r)
			if got[0] != -7 {
				t.Fatalf("%s, seed %d: what was there became %d", name, seed, got[0])
			}
			got = got[1:]
			for _, i := range got {
				if live[i].Origin {
					t.Fatalf("%s, seed %d: picks the origin", name, seed)
				}
			}
			slices.Sort(got)
			if len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("%s, seed %d: picks twice: %v", name, seed, got)
			}
		}
	}
}

func TestPickersPickAsManyAsTheySay(t *testing.T) {
	tests := []struct {
		name      string
		p         Picker
		n, always int
		origin    int // index, or -1
		want      int
	}{
		{"all", All(), 5, 2, -1, 5},
		{"all but the origin", All(), 5, 2, 3, 4},
		{"all of none", All(), 0, 0, -1, 0},
		{"one", One(), 5, 2, -1, 1},
		{"one of one", One(), 1, 0, -1, 1},
		{"one when there is only the origin", One(), 1, 0, 0, 0},
		{"fanout", Fanout(2), 9, 3, -1, 5},
		{"fanout from an always link", Fanout(2), 9, 3, 0, 4},
		{"fanout from another link", Fanout(2), 9, 3, 8, 5},
		{"fanout over all", Fanout(99), 9, 3, 8, 8},
		{"fanout of none but always", Fanout(0), 9, 3, -1, 3},
		{"only", Only(4), 9, 0, -1, 1},
		{"only the origin", Only(4), 9, 0, 3, 0},
		{"only one that is gone", Only(10), 9, 0, -1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			live := targets(tt.n, tt.always)
			if tt.origin >= 0 {
				live[tt.origin].Origin = true
			}
			if got := tt.p.Pick(nil, live, rng(1)); len(got) != tt.want {
				t.Errorf("picks %v, want %d links", got, tt.want)
			}
		})
	}
}

func TestFanoutPicksEveryAlwaysLink(t *testing.T) {
	live := targets(20, 6)
	live[2].Origin = true
	for seed := range uint64(100) {
		got := Fanout(4).Pick(nil, live, rng(seed))
		for _, i := range []int{0, 1, 3, 4, 5} {
			if !slices.Contains(got, i) {
				t.Fatalf("seed %d: %v lacks the always link %d", seed, got, i)
			}
		}
	}
}

// Every link must be as likely as any other. With 19 degrees of freedom,
// chi-square exceeds 43.8 once in a thousand fair tries; the seeds are fixed.
func TestPickersAreFair(t *testing.T) {
	const links, tries, limit = 20, 20_000, 43.8
	for name, p := range map[string]Picker{"one": One(), "fanout 1": Fanout(1), "fanout 5": Fanout(5), "fanout 19": Fanout(19)} {
		live := targets(links, 0)
		r := rng(77)
		var count [links]int
		picks := 0
		for range tries {
			for _, i := range p.Pick(nil, live, r) {
				count[i]++
				picks++
			}
		}
		want := float64(picks) / links
		chi := 0.0
		for _, n := range count {
			d := float64(n) - want
			chi += d * d / want
		}
		if chi > limit {
			t.Errorf("%s: chi-square is %.1f, limit %.1f: %v", name, chi, limit, count)
		}
	}
}

// Pairs must be as likely as any other too, not just single links.
func TestFanoutPicksFairPairs(t *testing.T) {
	const links, tries, limit = 6, 30_000, 36.1 // 14 degrees of freedom, once in a thousand
	live := targets(links, 0)
	r := rng(78)
	count := map[[2]int]int{}
	for range tries {
		got := Fanout(2).Pick(nil, live, r)
		slices.Sort(got)
		count[[2]int(got)]++
	}
	const pairs = links * (links - 1) / 2
	if len(count) != pairs {
		t.Fatalf("picks %d different pairs, want %d", len(count), pairs)
	}
	want := float64(tries) / pairs
	chi := 0.0
	for _, n := range count {
		d := float64(n) - want
		chi += d * d / want
	}
	if chi > limit {
		t.Errorf("chi-square is %.1f, limit %.1f: %v", chi, limit, count)
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	live := targets(100, 5)
	dst := make([]int, 0, len(live))
	r := rng(1)
	for name, p := range pickers {
		if n := testing.AllocsPerRun(100, func() { dst = p.Pick(dst[:0], live, r) }); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkFanout(b *testing.B) {
	live := targets(1000, 5)
	dst := make([]int, 0, len(live))
	r := rng(1)
	p := Fanout(16)
	b.ReportAllocs()
	for b.Loop() {
		dst = p.Pick(dst[:0], live, r)
	}
}
