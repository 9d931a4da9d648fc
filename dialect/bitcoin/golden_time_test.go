package bitcoin

import (
	"encoding/binary"
	"encoding/json"
	"regexp"
	"strconv"
	"testing"
	"time"

	"parley/fault"
)

// TestGoldenStall sends each command and never answers it, as the recording does.
func TestGoldenStall(t *testing.T) {
	r := recordings(t, "behaviour_stall", 1)[0]
	var cases []struct {
		Command string
		After   int `json:"disconnected_after_s"`
	}
	if err := json.Unmarshal(r.Expect, &cases); err != nil || len(cases) != 12 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		b := newBrain(t, Config{Params: SoterSim()})
		b.joinPlain(1)
		b.until(time.Second)
		typ := TypeOf(c.Command)
		if Request(typ, nil).For&session != 0 || typ == TypeVersion {
			b.wrote(1, typ)
		}
		for minute := 1; minute <= 20 && len(b.ended) == 0; minute++ {
			b.until(time.Duration(minute) * time.Minute)
			b.hear(1, TypePing, make([]byte, 8))
		}
		if c.After < 0 {
			b.wantLive(c.Command, 1)
			continue
		}
		b.wantEnd(c.Command, 1, fault.Timeout, time.Duration(c.After)*time.Second)
	}
}

var stamp = regexp.MustCompile(`^t=(\d+)s inv`)

// TestGoldenTrickle queues the inventory of the recording and compares every
// announcement, to the byte and to the second.
func TestGoldenTrickle(t *testing.T) {
	r := recordings(t, "behaviour_trickle", 1)[0]
	p := SoterSim()
	tx := func(n int, height int32) Inv {
		v := Inv{Type: InvTx, Height: height}
		binary.LittleEndian.PutUint16(v.Hash[:], uint16(n))
		return v
	}
	var want []frame
	for _, f := range r.Frames {
		if stamp.MatchString(f.Meaning) {
			want = append(want, f)
		}
	}
	last := func(i int) Inv { // what the i-th announcement from the end holds
		vs, err := p.ParseInvs(want[len(want)-i].bytes(t)[headerSize:])
		if err != nil || len(vs) != 1 {
			t.Fatal(vs, err)
		}
		return vs[0]
	}
	b := newBrain(t, Config{Params: p})
	b.joinPlain(1)
	b.until(time.Second)
	var many []Inv
	for n := range 2500 {
		many = append(many, tx(n, 0))
	}
	b.command(Announce{Inv: many})
	b.until(11 * time.Second)
	b.command(Announce{Inv: []Inv{tx(2499, 0), tx(1500, 0), tx(1499, 0), tx(2499, 1)}})
	b.until(21 * time.Second)
	b.command(Announce{Inv: []Inv{last(2), last(2), last(1)}})
	b.until(40 * time.Second)

	if len(b.out) != len(want) {
		t.Fatalf("%d announcements, want %d", len(b.out), len(want))
	}
	for i, s := range b.out {
		sec, _ := strconv.Atoi(stamp.FindStringSubmatch(want[i].Meaning)[1])
		if got := string(mustAppend(t, &encoder{p: &p, net: p.Net}, s.Message)); got != string(want[i].bytes(t)) {
			t.Errorf("announcement %d differs", i)
		}
		if s.at != time.Duration(sec)*time.Second {
			t.Errorf("announcement %d is sent after %v, want %d s", i, s.at, sec)
		}
	}
}
