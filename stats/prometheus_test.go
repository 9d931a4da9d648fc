package stats

import (
	"errors"
	"flag"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"
)

var update = flag.Bool("update", false, "rewrite testdata")

func sample() *Snapshot {
	return &Snapshot{
		Since: time.UnixMilli(1700000000250),
		Known: 42, Rounds: 3, Turned: 9,
		Bans: make([]BanRow, 2),
		Links: []LinkRow{
			{ID: 1, Dialed: true, Queued: 100},
			{ID: 2, Dialed: true, Opening: true},
			{ID: 3, Queued: 28},
			{ID: 4},
		},
		Faults: map[string]uint64{"io": 7, "protocol": 1, "none": 0},
		Total:  Totals{InBytes: 1 << 60, InMsgs: 12, OutBytes: 999, OutMsgs: 13, Dropped: 5},
	}
}

func TestPrometheus(t *testing.T) {
	var got strings.Builder
	if err := WritePrometheus(&got, sample()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/snapshot.prom"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

var (
	commentLine = regexp.MustCompile(`^# (HELP|TYPE) (parley_[a-z_]+) (.+)$`)
	sampleLine  = regexp.MustCompile(`^(parley_[a-z_]+)(\{(direction|kind)="((?:[^"\\\n]|\\["\\n])*)"\})? (\S+)$`)
)

// Every line is one of the format's, each metric is introduced by HELP and TYPE
// just before its samples, and no sample comes twice.
func TestPrometheusFormat(t *testing.T) {
	s := sample()
	s.Faults["a\"b\\c\nd"] = 1
	var out strings.Builder
	if err := WritePrometheus(&out, s); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutSuffix(out.String(), "\n")
	if !ok {
		t.Error("the last line has no end")
	}
	var helped, typed string
	seen := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		if c := commentLine.FindStringSubmatch(line); c != nil {
			if seen[c[1]+c[2]] {
				t.Errorf("second %s of %s", c[1], c[2])
			}
			seen[c[1]+c[2]] = true
			if c[1] == "HELP" {
				helped = c[2]
			} else if typed = c[2]; c[3] != "gauge" && c[3] != "counter" {
				t.Errorf("type of %s: %s", c[2], c[3])
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not a line of the format: %q", line)
			continue
		}
		if m[1] != helped || m[1] != typed {
			t.Errorf("sample of %s in the family of %s", m[1], typed)
		}
		if seen[m[1]+m[2]] {
			t.Errorf("second sample of %s%s", m[1], m[2])
		}
		seen[m[1]+m[2]] = true
		if _, err := strconv.ParseFloat(m[5], 64); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if !seen[`parley_links_ended_total{kind="a\"b\\c\nd"}`] {
		t.Error("the odd label was not escaped as expected")
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestPrometheusError(t *testing.T) {
	if err := WritePrometheus(broken{}, &Snapshot{}); err != errBroken {
		t.Errorf("error %v, want that of the writer", err)
	}
}

// The reader's and the writer's counters are on cache lines of their own.
func TestLinkLayout(t *testing.T) {
	var l Link
	if in, out := unsafe.Offsetof(l.InBytes)/64, unsafe.Offsetof(l.OutBytes)/64; in == out {
		t.Error("both halves share a cache line")
	}
	if size := unsafe.Sizeof(l); size != 128 {
		t.Errorf("%d bytes, want 128", size)
	}
}
