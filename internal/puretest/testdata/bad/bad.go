// Package bad breaks every rule. A comment says which at the end of each line
// that does.
package bad

import (
	"context" // want "imports context"
	"crypto/ecdh"
	crand "crypto/rand" // want "imports crypto/rand"
	"log/slog"          // want "imports log/slog"
	"maps"
	oldrand "math/rand" // want "imports math/rand"
	"math/rand/v2"
	"net"     // want "imports net"
	"os"      // want "imports os"
	"os/exec" // want "imports os/exec"
	"slices"
	"sync"        // want "imports sync"
	"sync/atomic" // want "imports sync/atomic"
	"time"
	. "time"
)

// State holds what a pure package must not hold.
type State struct {
	mu    sync.Mutex
	n     atomic.Int64
	ctx   context.Context
	conn  net.Conn
	cmd   *exec.Cmd
	log   *slog.Logger
	ready chan int    // want "uses a channel"
	timer *time.Timer // want "uses time.Timer"
}

// Run does what it must not do.
func (s *State) Run() {
	go s.Run()          // want "starts a goroutine"
	s.ready <- 1        // want "uses a channel"
	<-s.ready           // want "uses a channel"
	select {}           // want "uses a channel"
	for range s.ready { // want "uses a channel"
	}
	os.Exit(oldrand.Int())
	crand.Read(nil)
}

// Clock reads one in every way.
func Clock(t time.Time) time.Time {
	now := time.Now // want "uses time.Now"
	time.Sleep(1)   // want "uses time.Sleep"
	Sleep(Until(t)) // want "uses time.Sleep" "uses time.Until"
	_ = time.Local  // want "uses time.Local"
	_ = t.Local()   // want "uses time.Local"
	return now()
}

// Dice uses randomness that nobody seeded.
func Dice() int {
	f := rand.Shuffle // want "uses global randomness: rand.Shuffle"
	f(0, nil)
	ecdh.X25519().GenerateKey(nil) // want "uses crypto/ecdh.GenerateKey"
	return rand.N(6)               // want "uses global randomness: rand.N"
}

// Table is a map.
type Table map[string]int

// Any is all kinds of maps.
type Any interface{ ~map[string]int }

// Order shows the order of a map.
func Order[M Any, N ~map[string]int](t Table, m M, n N) (keys []string) {
	for k := range t { // want "ranges over a map"
		keys = append(keys, k)
	}
	for k := range m { // want "ranges over a map"
		keys = append(keys, k)
	}
	for k := range n { // want "ranges over a map"
		keys = append(keys, k)
	}
	// ordered: said too early to count.

	for k := range maps.Keys(t) { // want "uses the order of a map"
		keys = append(keys, k)
	}
	return slices.AppendSeq(keys, maps.Keys(t)) // want "uses the order of a map"
}
