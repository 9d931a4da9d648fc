package topology

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// legacy is what factomd's own procedure made of one name and size.
type legacy struct {
	Net         string   `json:"net"`
	Count       int      `json:"count"`
	Edges       [][2]int `json:"edges"`
	MaxDegree   int      `json:"max_degree"`
	Unreachable []int    `json:"unreachable_from_node0"`
}

func readLegacy(t *testing.T) []legacy {
	t.Helper()
	b, err := os.ReadFile("testdata/topologies.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Topologies []json.RawMessage `json:"topologies"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	var all []legacy
	for _, raw := range file.Topologies {
		var l struct {
			Net   string `json:"net"`
			Count any    `json:"count"`
		}
		if err := json.Unmarshal(raw, &l); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(Names(), l.Net) {
			continue // mesh and other names fell back to long; we refuse them
		}
		var whole legacy
		if err := json.Unmarshal(raw, &whole); err != nil {
			t.Fatal(err)
		}
		all = append(all, whole)
	}
	return all
}

// TestLegacy holds the edges against those of factomd: the same, and one more
// for each node that factomd left out.
func TestLegacy(t *testing.T) {
	all := readLegacy(t)
	if len(all) != 7*20 {
		t.Fatalf("%d recorded topologies, want 20 sizes of 7", len(all))
	}
	for _, l := range all {
		got, err := Edges(l.Net, l.Count, nil)
		if err != nil {
			t.Errorf("%s of %d: %v", l.Net, l.Count, err)
			continue
		}
		want := slices.Clone(l.Edges)
		for _, far := range l.Unreachable {
			want = append(want, [2]int{far - 1, far})
		}
		slices.SortFunc(want, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
		if !slices.Equal(got, want) {
			t.Errorf("%s of %d:\n got %v\nwant %v", l.Net, l.Count, got, want)
		}
		if len(l.Unreachable) == 0 && slices.Max(Degrees(l.Count, got)) != l.MaxDegree {
			t.Errorf("%s of %d: degrees %v, want at most %d", l.Net, l.Count, Degrees(l.Count, got), l.MaxDegree)
		}
	}
}

func TestEveryNodeIsReached(t *testing.T) {
	for _, name := range Names() {
		for n := 1; n <= 60; n++ {
			edges, err := Edges(name, n, rand.New(rand.NewPCG(1, uint64(n))))
			if err != nil {
				t.Fatalf("%s of %d: %v", name, n, err)
			}
			if Diameter(n, edges) < 0 {
				t.Errorf("%s of %d: not connected: %v", name, n, edges)
			}
			for i, e := range edges {
				if e[0] >= e[1] || e[1] >= n || i > 0 && slices.Compare(edges[i-1][:], e[:]) >= 0 {
					t.Fatalf("%s of %d: edge %d is %v: not in order", name, n, i, e)
				}
			}
		}
	}
}

func TestRandom(t *testing.T) {
	draw := func(seed uint64) [][2]int {
		edges, err := Edges("random", 40, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		return edges
	}
	if !slices.Equal(draw(1), draw(1)) {
		t.Error("one seed gives two graphs")
	}
	if slices.Equal(draw(1), draw(2)) {
		t.Error("two seeds give one graph")
	}
	for i, d := range Degrees(40, draw(1)) {
		if d < 2 || d > 4 {
			t.Errorf("node %d has %d links, want 2 to 4", i, d)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want string
	}{
		{"mesh", 5, "known are long, tree, square, loops, alot, alot+, circles, random, full"},
		{"tree", 0, "limit 1 to 1000"},
		{"tree", MaxNodes + 1, "limit 1 to 1000"},
		{"full", 200, "19900 links, limit 10000"},
	} {
		_, err := Edges(c.name, c.n, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %d: %v, want %q", c.name, c.n, err, c.want)
		}
	}
}

func TestLargestFits(t *testing.T) {
	for _, name := range Names() {
		if name == "full" {
			continue
		}
		edges, err := Edges(name, MaxNodes, rand.New(rand.NewPCG(1, 1)))
		if err != nil || len(edges) > MaxEdges {
			t.Errorf("%s of %d: %d edges, %v", name, MaxNodes, len(edges), err)
		}
	}
}

func TestMeasures(t *testing.T) {
	edges := [][2]int{{0, 1}, {1, 2}, {2, 3}}
	if d := Diameter(4, edges); d != 3 {
		t.Errorf("a chain of 4 has diameter %d, want 3", d)
	}
	if d := Diameter(5, edges); d != -1 {
		t.Errorf("with a node apart the diameter is %d, want -1", d)
	}
	if !Connected(4, edges) || Connected(5, edges) {
		t.Error("a chain of 4 is connected, but not with a node apart")
	}
	if d := Degrees(4, edges); !slices.Equal(d, []int{1, 2, 2, 1}) {
		t.Errorf("degrees %v", d)
	}
}
