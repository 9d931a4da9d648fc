package route

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

var start = time.Unix(1e9, 0)

// digest returns the n-th key of a series that looks like digests.
func digest(n uint64) Key {
	return sha256.Sum256(binary.LittleEndian.AppendUint64(nil, n))
}

func TestSeen(t *testing.T) {
	const s = time.Second
	type step struct {
		at    time.Duration
		key   uint64
		fresh bool
	}
	tests := []struct {
		name  string
		limit int
		age   time.Duration
		steps []step
	}{
		{"twice is not fresh", 3, 0, []step{{0, 1, true}, {0, 1, false}, {1000 * s, 1, false}}},
		{"the oldest goes first", 2, 0, []step{{0, 1, true}, {0, 2, true}, {0, 3, true}, {0, 2, false}, {0, 1, true}, {0, 2, true}}},
		{"age ends it", 3, 10 * s, []step{{0, 1, true}, {9 * s, 1, false}, {10 * s, 1, true}, {19 * s, 1, false}, {20 * s, 1, true}}},
		{"being seen again does not", 2, 10 * s, []step{{0, 1, true}, {9 * s, 1, false}, {11 * s, 1, true}}},
		{"time may stand still", 2, 10 * s, []step{{5 * s, 1, true}, {0, 1, false}, {14 * s, 1, false}, {15 * s, 1, true}}},
		{"a limit of none is one", 0, 0, []step{{0, 1, true}, {0, 1, false}, {0, 2, true}, {0, 1, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := NewSeen(tt.limit, tt.age, 1)
			for i, st := range tt.steps {
				if fresh := f.Add(start.Add(st.at), digest(st.key)); fresh != st.fresh {
					t.Errorf("step %d: key %d at %v is fresh: %v, want %v", i, st.key, st.at, fresh, st.fresh)
				}
			}
		})
	}
}

// model is a filter so plain that it must be right: a list.
type model struct {
	keys []Key
	at   []time.Time
}

func (m *model) add(now time.Time, key Key, age time.Duration) bool {
	for i := len(m.keys) - 1; i >= 0; i-- {
		if m.keys[i] == key && now.Sub(m.at[i]) < age {
			return false
		}
		if m.keys[i] == key {
			m.keys[i] = Key{} // over age, but it still takes a place
			break
		}
	}
	m.keys, m.at = append(m.keys, key), append(m.at, now)
	return true
}

// trim does what a filter may do with keys over age, and must do over its limit.
func (m *model) trim(now time.Time, limit int, age time.Duration) {
	for range reap {
		if len(m.keys) > 0 && (m.keys[0] == Key{} || now.Sub(m.at[0]) >= age) {
			m.keys, m.at = m.keys[1:], m.at[1:]
		}
	}
	if n := len(m.keys) - limit; n > 0 {
		m.keys, m.at = m.keys[n:], m.at[n:]
	}
}

func TestSeenAgainstList(t *testing.T) {
	const limit, age = 50, time.Minute
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		f, m := NewSeen(limit, age, seed), &model{}
		now := start
		for i := range 5000 {
			now = now.Add(time.Duration(r.Int64N(int64(4 * time.Second))))
			key := digest(r.Uint64N(90))
			m.trim(now, limit, age)
			want := m.add(now, key, age)
			m.trim(now, limit, 1<<62)
			if got := f.Add(now, key); got != want {
				t.Fatalf("seed %d, step %d: fresh is %v, want %v", seed, i, got, want)
			}
			if f.Len() > limit {
				t.Fatalf("seed %d, step %d: holds %d keys, limit %d", seed, i, f.Len(), limit)
			}
		}
	}
}

// Keys that differ in a few bytes only must spread over the table like others.
func TestSeenSpreadsKeys(t *testing.T) {
	const n = 1 << 14
	for from := 0; from < 32; from += 2 {
		f := NewSeen(n, 0, 1)
		for i := range n {
			var k Key
			binary.BigEndian.PutUint16(k[from:], uint16(i))
			f.Add(start, k)
		}
		longest := 0
		for i := range f.ring {
			k := f.ring[i].key
			longest = max(longest, (f.find(k)-f.home(&k)+len(f.slots))%len(f.slots))
		}
		// With half of the slots taken at random, a search among 16,384 keys
		// passes about 50 slots at worst.
		if longest > 100 {
			t.Errorf("keys that differ from byte %d on: a search passes %d slots, want at most 100", from, longest)
		}
	}
}

func TestSeenMemory(t *testing.T) {
	if got := unsafe.Sizeof(entry{}) + 2*unsafe.Sizeof(uint32(0)); got != SeenBytes {
		t.Errorf("a key takes %d bytes, documented are %d", got, SeenBytes)
	}
	f := NewSeen(1000, time.Minute, 1)
	if len(f.ring) != f.Limit() || len(f.slots) != 2*f.Limit() {
		t.Errorf("a filter for %d keys has %d entries and %d slots", f.Limit(), len(f.ring), len(f.slots))
	}
	n := uint64(0)
	now := start
	add := func() {
		n++
		now = now.Add(50 * time.Millisecond)
		f.Add(now, Key{0: byte(n), 1: byte(n >> 8), 2: byte(n >> 16)})
	}
	if a := testing.AllocsPerRun(5000, add); a != 0 {
		t.Errorf("adding allocates %v times, want none", a)
	}
}

func FuzzSeen(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3, 1, 255, 1})
	f.Fuzz(func(t *testing.T, seed uint64, ops []byte) {
		const limit, age = 4, 300 * time.Second
		s, m := NewSeen(limit, age, seed), &model{}
		now := start
		for i, op := range ops {
			now = now.Add(time.Duration(op>>4) * 10 * time.Second)
			key := digest(uint64(op & 15))
			m.trim(now, limit, age)
			want := m.add(now, key, age)
			m.trim(now, limit, 1<<62)
			if got := s.Add(now, key); got != want {
				t.Fatalf("step %d: fresh is %v, want %v", i, got, want)
			}
		}
	})
}

func BenchmarkSeenFresh(b *testing.B) {
	f := NewSeen(1<<16, time.Minute, 1)
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		var k Key
		binary.LittleEndian.PutUint64(k[8:], n)
		f.Add(start, k)
	}
}

func BenchmarkSeenAgain(b *testing.B) {
	f := NewSeen(1<<16, time.Minute, 1)
	keys := make([]Key, 1<<16)
	for i := range keys {
		keys[i] = digest(uint64(i))
		f.Add(start, keys[i])
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		f.Add(start, keys[i])
		i = (i + 1) & (1<<16 - 1)
	}
}
