package core

import (
	"fmt"
	"testing"

	"parley/addr"
)

// Of what a peer tells at once, as many addresses as PerAnswer says are taken,
// any of them, and of what another tells as many again.
func TestPerAnswer(t *testing.T) {
	var told []addr.Addr
	for i := range 20 {
		told = append(told, addrs(fmt.Sprintf("%d.2.3.4:5", 20+i))...)
	}
	taken := map[addr.Addr]bool{}
	for seed := range uint64(300) {
		n := newNode(seed, Config{Book: BookConfig{PerAnswer: 2}})
		got := n.some(append([]addr.Addr(nil), told...))
		if len(got) != 2 || got[0] == got[1] {
			t.Fatalf("took %v", got)
		}
		taken[got[0]], taken[got[1]] = true, true
		if one := n.some(told[:1:1]); len(one) != 1 || one[0] != told[0] {
			t.Fatalf("of one took %v", one)
		}
	}
	if len(taken) != len(told) {
		t.Errorf("only %d of %d addresses were ever taken", len(taken), len(told))
	}
	if all := newNode(1, Config{}).some(told); len(all) != len(told) {
		t.Errorf("without a limit %d of %d were taken", len(all), len(told))
	}
}
