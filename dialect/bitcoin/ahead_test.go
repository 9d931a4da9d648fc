package bitcoin

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"parley/dialect"
)

// run feeds a decoder with a stream in portions of a size, and returns what came out.
func run(t *testing.T, d *decoder, stream []byte, portion int) (out []string) {
	t.Helper()
	var buf []byte
	for chunk := range slices.Chunk(stream, portion) {
		buf = append(buf, chunk...)
		for len(buf) > 0 {
			m, n, err := d.Next(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n > len(buf) {
				break
			}
			if m.For != 0 {
				out = append(out, fmt.Sprintf("%d %d %x", m.Type, m.For, m.Body))
			}
			buf = slices.Clone(buf[n:])
		}
	}
	return out
}

// TestMessagesAreTheSameHoweverManyArriveTogether holds sums that are taken of two
// messages at once to what each is without the other.
func TestMessagesAreTheSameHoweverManyArriveTogether(t *testing.T) {
	p := SoterRegTest()
	bodies := []dialect.Message{
		{Type: TypeTx, Body: bytes.Repeat([]byte{1}, 250)},
		{Type: TypePing, Body: []byte("12345678")},
		{Type: TypeTx, Body: bytes.Repeat([]byte{2}, 55)},
		{Type: TypeVerAck},
		{Type: TypeInv, Body: p.AppendInvs(nil, make([]Inv, 3))},
		{Type: TypeTx, Body: bytes.Repeat([]byte{3}, 1000)},
		{Type: TypePong, Body: []byte("87654321")},
	}
	for broken := -1; broken < len(bodies); broken++ {
		for _, lenient := range []bool{false, true} {
			for _, both := range []bool{false, true} {
				var stream []byte
				for i, m := range bodies {
					at := len(stream)
					stream = append(stream, mustAppend(t, &encoder{p: &p, net: p.Net}, m)...)
					if i == broken {
						stream[at+headerSize-1] ^= 1
					}
				}
				fresh := func() *decoder { return &decoder{p: &p, net: p.Net, lenient: lenient, both: both} }
				want := run(t, fresh(), stream, 1)
				for _, portion := range []int{7, 300, len(stream)} {
					if got := run(t, fresh(), stream, portion); !slices.Equal(got, want) {
						t.Errorf("broken %d, lenient %v, both %v, %d bytes at once: %q, want %q", broken, lenient, both, portion, got, want)
					}
				}
			}
		}
	}
}

// TestPairedMessagesAreWrittenAsTheyAre holds checksums that are taken ahead to the
// bodies that are written, whatever comes instead of what was said to come.
func TestPairedMessagesAreWrittenAsTheyAre(t *testing.T) {
	p := SoterSim()
	tx := func(c byte, n int) dialect.Message {
		return dialect.Message{Type: TypeTx, Body: bytes.Repeat([]byte{c}, n)}
	}
	a, b, c, none := tx('a', 250), tx('b', 100), tx('c', 250), tx('n', 0)
	tooLong := dialect.Message{Type: TypePing, Body: make([]byte, 9)}
	for name, say := range map[string][]dialect.Message{
		"in order":          {a, b},
		"the second only":   {b, c},
		"another between":   {a, c, b},
		"twice":             {a, a, b, b},
		"without a body":    {none, a, b},
		"one over a limit":  {tooLong, a, b},
		"one more than two": {a, b, c},
	} {
		for _, pair := range [][2]dialect.Message{{a, b}, {b, a}, {a, none}, {tooLong, a}, {c, c}} {
			_, e := codecOf(p)
			e.Pair(pair[0], pair[1])
			for _, m := range say {
				_, plain := codecOf(p)
				want, wantErr := plain.Append(nil, m)
				got, err := e.Append(nil, m)
				if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
					t.Fatalf("%s: %q is written as %x with %v, want %x with %v", name, m.Body, got, err, want, wantErr)
				}
			}
		}
	}
}

func TestBodiesMayChangeOnceTheyAreWritten(t *testing.T) {
	_, e := codecOf(SoterSim())
	a, b := dialect.Message{Type: TypeTx, Body: []byte("first")}, dialect.Message{Type: TypeTx, Body: []byte("second")}
	e.Pair(a, b)
	mustAppend(t, e, a)
	mustAppend(t, e, b)
	copy(a.Body, "other")
	_, plain := codecOf(SoterSim())
	if got, want := mustAppend(t, e, a), mustAppend(t, plain, a); !bytes.Equal(got, want) {
		t.Errorf("written as %x, want %x", got, want)
	}
}

func TestBodiesMayChangeOnceTheyAreRefused(t *testing.T) {
	_, e := codecOf(SoterSim())
	a := dialect.Message{Type: TypePing, Body: []byte("too long a ping")}
	b := dialect.Message{Type: TypeTx, Body: []byte("second")}
	e.Pair(b, a)
	mustAppend(t, e, b)
	if _, err := e.Append(nil, a); err == nil {
		t.Fatal("not refused")
	}
	copy(a.Body, "other")
	a.Type = TypeTx
	e.Pair(a, b)
	_, plain := codecOf(SoterSim())
	if got, want := mustAppend(t, e, a), mustAppend(t, plain, a); !bytes.Equal(got, want) {
		t.Errorf("written as %x, want %x", got, want)
	}
}

func TestSecondOfAPairIsNotSummedAgain(t *testing.T) {
	_, e := codecOf(SoterSim())
	ms := make([]dialect.Message, 4)
	for i := range ms {
		ms[i] = dialect.Message{Type: TypeTx, Body: bytes.Repeat([]byte{byte(i)}, 100+i)}
	}
	for i := range len(ms) - 1 {
		e.Pair(ms[i], ms[i+1])
		if second := i%2 == 1; (e.ahead[1].body == nil) != second {
			t.Errorf("message %d: summed together with the next: %v", i, !second)
		}
		_, plain := codecOf(SoterSim())
		if got, want := mustAppend(t, e, ms[i]), mustAppend(t, plain, ms[i]); !bytes.Equal(got, want) {
			t.Errorf("message %d is written as %x, want %x", i, got, want)
		}
	}
}
