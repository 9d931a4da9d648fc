package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/stats"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestSchema compares the names and types of every answer with the recorded
// ones. A line that goes or changes breaks somebody's script; a new one is fine,
// and -update records it. It also checks that no field can be left out.
func TestSchema(t *testing.T) {
	var b strings.Builder
	for _, v := range []any{Status{}, Peers{}, Closed{}, Bans{}, BanRequest{}, BanResult{}, UnbanRequest{}, UnbanResult{}, DropRequest{}, DropResult{}, Problem{}} {
		typ := reflect.TypeOf(v)
		describe(t, &b, typ.Name(), typ)
	}
	const golden = "testdata/schema.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("schema is\n%s\nwant\n%s", b.String(), want)
	}
}

// describe writes one line a field: its path, and its JSON type with "or null"
// where it may be unknown.
func describe(t *testing.T, b *strings.Builder, path string, typ reflect.Type) {
	null := ""
	if typ.Kind() == reflect.Pointer {
		typ, null = typ.Elem(), " or null"
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		fmt.Fprintf(b, "%s time%s\n", path, null)
	case typ.Kind() == reflect.Struct:
		fmt.Fprintf(b, "%s object%s\n", path, null)
		for f := range typ.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || options != "" {
				t.Errorf("%s.%s has the tag %q, want a name without options", path, f.Name, f.Tag)
			}
			describe(t, b, path+"."+name, f.Type)
		}
	case typ.Kind() == reflect.Slice:
		describe(t, b, path+"[]", typ.Elem())
	case typ.Kind() == reflect.Map:
		describe(t, b, path+"{}", typ.Elem())
	default:
		fmt.Fprintf(b, "%s %s%s\n", path, typ.Kind(), null)
	}
}

// TestUnknownIsNull turns rows of which little is known into JSON.
func TestUnknownIsNull(t *testing.T) {
	opening := peerOf(&stats.LinkRow{ID: 1, Addr: "1.2.3.4:5", Opening: true}, nil)
	wantNull(t, opening, "peer", "why", "version", "agent", "total", "queued", "rate", "lastIn", "lastOut", "rtt")
	silent := peerOf(&stats.LinkRow{ID: 1, Addr: "1.2.3.4:5", Version: new(uint32(11)), LastIn: time.Unix(0, 0)}, nil)
	wantNull(t, silent, "peer", "why", "agent", "rate", "lastIn", "lastOut", "rtt")
	tried := endedOf(&stats.Ended{ID: 1, Addr: "1.2.3.4:5", Kind: "io", Why: "refused"})
	wantNull(t, tried, "peer", "inBytes", "outBytes")
	wantNull(t, Status{}, "advertise", "rate")
	wantNull(t, Limits{}, "in", "out", "target", "total", "dropTo", "perIP")

	rtt := 0.25
	full := peerOf(&stats.LinkRow{
		ID: 1, Addr: "1.2.3.4:5", Peer: "p", Why: "w", Version: new(uint32(11)), Agent: "a", InMsgs: 1, OutMsgs: 1,
		LastIn: time.Unix(1, 0), LastOut: time.Unix(1, 0), RTT: &rtt,
	}, &Rate{})
	wantNull(t, full)
	wantNull(t, endedOf(&stats.Ended{Peer: "p", WasUp: true}))
}

// wantNull checks that the fields named, and no others, are null.
func wantNull[T any](t *testing.T, v T, names ...string) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if got := string(m[name]); got != "null" {
			t.Errorf("%s of %T is %s, want null", name, v, got)
		}
		delete(m, name)
	}
	for name, got := range m {
		if string(got) == "null" && name != "listen" && name != "faults" {
			t.Errorf("%s of %T is null, want a value", name, v)
		}
	}
}

func TestRates(t *testing.T) {
	var r rates
	at := time.Unix(100, 0)
	row := func(id, in uint64) stats.LinkRow { return stats.LinkRow{ID: id, InBytes: in} }
	r.add(&stats.Snapshot{Time: at, Links: []stats.LinkRow{row(1, 100)}, Total: stats.Totals{InBytes: 100}})
	if total, links := r.get(); total != nil || len(links) != 0 {
		t.Errorf("one measurement gives the rates %v and %v, want none", total, links)
	}
	r.add(&stats.Snapshot{Time: at.Add(2 * time.Second), Links: []stats.LinkRow{row(1, 300), row(2, 50)}, Total: stats.Totals{InBytes: 350}})
	total, links := r.get()
	if total.InBytes != 125 || total.Span != 2 || links[1].InBytes != 100 || links[2] != nil {
		t.Errorf("rates are %v, %v and %v; want 125, 100 and none of a link that is new", total, links[1], links[2])
	}
	r.add(&stats.Snapshot{Time: at.Add(time.Second), Links: []stats.LinkRow{row(1, 400)}})
	if total, _ := r.get(); total != nil {
		t.Errorf("a clock that went back gives the rate %v, want none", total)
	}
}
