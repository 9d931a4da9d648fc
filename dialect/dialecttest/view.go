package dialecttest

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect"
)

// View is a dialect.View that answers what a test put into it. It is not safe
// for concurrent use.
type View struct {
	Live    []dialect.LinkID
	In, Out map[dialect.LinkID]time.Time // what Traffic answers; it is for the test to keep them
	Known   []addr.Addr                  // what Share gives, in this order
	Wanted  int
	Random  *rand.Rand
}

var _ dialect.View = (*View)(nil)

// NewView returns a view without links, with three addresses to share, that
// wants one more link and draws from a generator with the given seed.
func NewView(seed uint64) *View {
	return &View{
		In:  map[dialect.LinkID]time.Time{},
		Out: map[dialect.LinkID]time.Time{},
		Known: []addr.Addr{
			{IP: netip.MustParseAddr("192.0.2.7"), Port: 8110},
			{IP: netip.MustParseAddr("2001:db8::7"), Port: 8108},
			{Host: "seed.example", Port: 8108},
		},
		Wanted: 1,
		Random: rand.New(rand.NewPCG(seed, 0x71e3)),
	}
}

// Join adds a link that opened at now.
func (v *View) Join(now time.Time, id dialect.LinkID) {
	v.Live = append(v.Live, id)
	v.In[id], v.Out[id] = now, now
}

// Leave removes a link.
func (v *View) Leave(id dialect.LinkID) {
	v.Live = slices.DeleteFunc(v.Live, func(x dialect.LinkID) bool { return x == id })
	delete(v.In, id)
	delete(v.Out, id)
}

// Share implements dialect.View.
func (v *View) Share(_ dialect.LinkID, max int) []addr.Addr {
	return slices.Clone(v.Known[:min(max, len(v.Known))])
}

// Links implements dialect.View.
func (v *View) Links() []dialect.LinkID { return v.Live }

// Traffic implements dialect.View.
func (v *View) Traffic(id dialect.LinkID) (in, out time.Time) { return v.In[id], v.Out[id] }

// Want implements dialect.View.
func (v *View) Want() int { return v.Wanted }

// Rand implements dialect.View.
func (v *View) Rand() *rand.Rand { return v.Random }
