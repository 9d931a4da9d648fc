package route_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"

	"parley/route"
)

// A message is relayed once: to the peers to hold on to, and to some others,
// but not to where it came from.
func Example() {
	seen := route.NewSeen(10_000, time.Hour, rand.Uint64())
	live := []route.Target{
		{Link: 1, Origin: true},
		{Link: 2, Always: true},
		{Link: 3},
		{Link: 4},
	}
	relay := func(body string) {
		if !seen.Add(time.Now(), sha256.Sum256([]byte(body))) {
			fmt.Println(body, "was relayed before")
			return
		}
		picks := route.Fanout(1).Pick(nil, live, rand.New(rand.NewPCG(1, 2)))
		fmt.Println(body, "goes to", len(picks), "links, first to link", live[picks[0]].Link)
	}
	relay("block 1")
	relay("block 1")
	// Output:
	// block 1 goes to 2 links, first to link 2
	// block 1 was relayed before
}
