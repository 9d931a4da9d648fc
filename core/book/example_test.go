package book_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"parley/addr"
	"parley/core/book"
)

// An address is taken, tried and released.
func Example() {
	b := book.New(book.Limits{Size: 100, PerGroup: 8, PerSource: 8, Spread: 2})
	a, err := addr.Parse("192.0.2.1:8108")
	if err != nil {
		panic(err)
	}
	b.Add(a, addr.Addr{})

	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	anybody := func(addr.Addr, string) (time.Time, bool) { return time.Time{}, true }
	a, ok := b.Take(now, r, anybody)
	fmt.Println(a, ok)

	b.Release(a, 1, now.Add(time.Minute)) // it failed once
	_, ok = b.Take(now, r, anybody)
	fmt.Println(ok, b.Next(now).Sub(now))
	// Output:
	// 192.0.2.1:8108 true
	// false 1m0s
}
