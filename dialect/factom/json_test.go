package factom

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/addr"
	"parley/wire"
)

func TestShareJSON(t *testing.T) {
	one := []Endpoint{{"1.2.3.4", "80"}}
	tests := []struct {
		in   string
		want []Endpoint
		bad  bool
	}{
		{`null`, nil, false},
		{` [ ] `, nil, false},
		{`[{"ip":"1.2.3.4","port":"80"}]`, one, false},
		{"[\n{ \"port\" : \"80\" ,\t\"ip\":\"1.2.3.4\"} ]\r\n", one, false},
		{`[{"IP":"1.2.3.4","Port":"80"}]`, one, false},
		{`[{"ip":"x","ip":"1.2.3.4","port":"80"}]`, one, false},
		{`[{"ip":"1.2.3.4","port":"80","a":{"b":[1,-2.5e+3,true,false,null,"\u00e9\"]}"]}}]`, one, false},
		{`[{"\u0069p":"1.2.3.\u0034","port":"8\u0030"}]`, one, false},
		{`[{"ip":"\ud83d\ude00\ud83d","port":"\b\f\n\r\t\/\\\""}]`, []Endpoint{{"\U0001f600\ufffd", "\b\f\n\r\t/\\\""}}, false},
		{`[{}]`, []Endpoint{{}}, false},
		{`[{"ip":null,"port":"80"}]`, []Endpoint{{"", "80"}}, false},
		{`[{"ip":"` + strings.Repeat("x", 300) + `","port":"80"}]`, []Endpoint{{strings.Repeat("x", maxHost+1), "80"}}, false},
		{``, nil, true},
		{`nul`, nil, true},
		{`{}`, nil, true},
		{`[null]`, nil, true},
		{`[{"ip":"1.2.3.4","port":80}]`, nil, true},
		{`[{"ip":{},"port":"80"}]`, nil, true},
		{`[{"ip":"1.2.3.4","port":"80"},]`, nil, true},
		{`[{"ip":"1.2.3.4" "port":"80"}]`, nil, true},
		{`[{"ip":"1.2.3.4","port":"80"}`, nil, true},
		{`[{"ip":"1.2.3.4","port":"80"}]x`, nil, true},
		{`[{"ip":"1.2.3.4","port":"80"}][]`, nil, true},
		{"[{\"ip\":\"a\nb\"}]", nil, true},
		{`[{"ip":"\x"}]`, nil, true},
		{`[{"ip":"\u12g4"}]`, nil, true},
		{`[{"ip":"\`, nil, true},
		{`[{"ip":"a`, nil, true},
		{`[{"a":01}]`, nil, true},
		{`[{"a":1.}]`, nil, true},
		{`[{"a":-}]`, nil, true},
		{`[{"a":1e}]`, nil, true},
		{`[{"a":tru}]`, nil, true},
		{`[{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}]`, nil, true},
	}
	for _, tt := range tests {
		got, err := parseShare(V10, []byte(tt.in), 3)
		if tt.bad != errors.Is(err, errJSON) || !tt.bad && err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%.60s: %q and %v, want %q and bad %v", tt.in, got, err, tt.want, tt.bad)
		}
	}
}

// TestShareLimits refuses a million entries in every form at the first one over
// the limit, having made memory for no more.
func TestShareLimits(t *testing.T) {
	const million, limit = 1_000_000, 512
	for v, text := range map[uint16]string{
		V9:  "[" + strings.Repeat(`{"Address":"1.2.3.4","Port":"80"},`, million) + "{}]",
		V10: "[" + strings.Repeat(`{},`, million) + "{}]",
		V11: strings.Repeat("\x0a\x00", million),
	} {
		b := []byte(text)
		if es, err := parseShare(v, b, limit); !errors.Is(err, wire.ErrLimit) {
			t.Errorf("V%d: %d endpoints and %v", v, len(es), err)
		}
		if n := testing.AllocsPerRun(1, func() { parseShare(v, b, limit) }); n > 3*limit {
			t.Errorf("V%d: %v allocations", v, n)
		}
	}
}

// TestValidAddrs goes through addresses that must end a link and those that are
// merely of no use.
func TestValidAddrs(t *testing.T) {
	good := Endpoint{"8.8.8.8", "8108"}
	for _, bad := range []Endpoint{
		{"", "0"}, {"", "8108"}, {"256.1.1.1", "8108"}, {"fe80::1%eth0", "8108"}, {"8.8.8.8", "0"}, {"8.8.8.8", "65536"},
		{"8.8.8.8", ""}, {"[::1]", "8108"}, {"a..b", "8108"}, {strings.Repeat("x", 254), "8108"}, {"a b", "8108"},
	} {
		if as, err := validAddrs([]Endpoint{good, bad}); err == nil {
			t.Errorf("%+v becomes %v", bad, as)
		}
	}
	as, err := validAddrs([]Endpoint{good, {"0.0.0.0", "1"}, {"224.0.0.1", "1"}, {"::ffff:8.8.8.8", "+08109"}, {"seed.example", "1"}})
	want := []addr.Addr{mustAddr(t, "8.8.8.8:8108"), mustAddr(t, "8.8.8.8:8109"), mustAddr(t, "seed.example:1")}
	if err != nil || !reflect.DeepEqual(as, want) {
		t.Errorf("%v and %v, want %v", as, err, want)
	}
}

// FuzzShareJSON compares our reader with Go's: what ours accepts, Go's does, and
// both find the same endpoints.
func FuzzShareJSON(f *testing.F) {
	f.Add([]byte(`[{"ip":"1.2.3.4","port":"80","x":[1,{"y":null}]},{"IP":"\u0061","Port":null}]`))
	f.Add([]byte(`null`))
	f.Add(appendShare9(nil, 1, []Endpoint{{"a<b", "1"}, {"2001:db8::1", "65535"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 64
		for _, v := range []uint16{V9, V10} {
			es, err := parseShare(v, b, limit)
			if err != nil {
				continue
			}
			if len(es) > limit {
				t.Fatalf("%d endpoints, limit %d", len(es), limit)
			}
			var want []struct{ IP, Port, Address json.RawMessage }
			if err := json.Unmarshal(b, &want); err != nil || len(want) != len(es) {
				t.Fatalf("V%d: Go finds %d endpoints and %v, we %d", v, len(want), err, len(es))
			}
			if slices.ContainsFunc(es, func(e Endpoint) bool { return !utf8.ValidString(e.Host + e.Port) }) {
				continue // writing replaces what is not UTF-8, as Go does
			}
			again, err := parseShare(v, appendShare(nil, v, 1, es), limit)
			if err != nil || fmt.Sprint(again) != fmt.Sprint(es) {
				t.Fatalf("V%d: %q comes back as %q, %v", v, es, again, err)
			}
		}
	})
}

// FuzzShareProto reads and writes V11 shares.
func FuzzShareProto(f *testing.F) {
	f.Add(appendShare(nil, V11, 0, []Endpoint{{"1.2.3.4", "80"}, {"seed.example", "1"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		es, err := parseShare(V11, b, 64)
		if err != nil {
			return
		}
		again, err := parseShare(V11, appendShare(nil, V11, 0, es), 64)
		if err != nil || !reflect.DeepEqual(again, es) {
			t.Fatalf("%q comes back as %q, %v", es, again, err)
		}
	})
}

// BenchmarkShare reads the largest answers that are accepted: a call into the
// brain must not take long.
func BenchmarkShare(b *testing.B) {
	for _, v := range []uint16{V9, V10, V11} {
		var es []Endpoint
		for i := range 512 {
			es = append(es, Endpoint{fmt.Sprintf("203.0.%d.%d", i/256, i%256), "8108"})
		}
		in := appendShare(nil, v, 1, es)
		b.Run(fmt.Sprintf("V%d", v), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				es, _ := parseShare(v, in, 512)
				validAddrs(es)
			}
		})
	}
}
