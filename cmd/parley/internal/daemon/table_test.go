package daemon

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/api"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// answers reads the answers of a node from testdata/answers.json.
func answers(t *testing.T) (a struct {
	Status, Fresh *api.Status
	Peers         *api.Peers
	Closed        *api.Closed
}) {
	t.Helper()
	b, err := os.ReadFile("testdata/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTables(t *testing.T) {
	a := answers(t)
	var b bytes.Buffer
	for name, write := range map[string]func() error{
		"status.txt": func() error { return writeStatus(&b, a.Status) },
		"fresh.txt":  func() error { return writeStatus(&b, a.Fresh) },
		"peers.txt":  func() error { return writePeers(&b, a.Peers) },
		"closed.txt": func() error { return writeClosed(&b, a.Closed, a.Status.Time) },
		"line.txt": func() error {
			_, err := fmt.Fprintf(&b, "%s; %s\n%s; %s\n", stateText(a.Status), rateText(a.Status), stateText(a.Fresh), rateText(a.Fresh))
			return err
		},
	} {
		b.Reset()
		if err := write(); err != nil {
			t.Error(err)
		}
		golden(t, name, b.Bytes())
	}
}

// TestSortPeers sorts by every key, both ways. What is not known of a peer puts
// it last both ways.
func TestSortPeers(t *testing.T) {
	for _, tt := range []struct {
		key     string
		reverse bool
		want    []uint64
	}{
		{"id", false, []uint64{1, 2, 3, 4}},
		{"id", true, []uint64{4, 3, 2, 1}},
		{"addr", false, []uint64{2, 1, 4, 3}},
		{"dir", false, []uint64{2, 4, 1, 3}},
		{"since", false, []uint64{1, 2, 3, 4}},
		{"in", false, []uint64{2, 1, 3, 4}},
		{"in", true, []uint64{3, 1, 2, 4}},
		{"inrate", true, []uint64{1, 2, 3, 4}},
		{"blame", true, []uint64{2, 1, 3, 4}},
		{"last", false, []uint64{2, 1, 3, 4}},
		{"version", false, []uint64{2, 1, 3, 4}},
	} {
		ps := answers(t).Peers.Peers
		sortPeers(ps, sorts[tt.key], tt.reverse)
		var got []uint64
		for _, p := range ps {
			got = append(got, p.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("by %s, reverse %t: %v, want %v", tt.key, tt.reverse, got, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	for got, want := range map[string]string{
		bytesText(0):                           "0 B",
		bytesText(999):                         "999 B",
		bytesText(1000):                        "1.0 KiB",
		bytesText(1023 * 1024):                 "1.0 MiB",
		bytesText(5 << 30):                     "5.0 GiB",
		bytesText(123 << 20):                   "123 MiB",
		ageText(-time.Second):                  "0.0s",
		ageText(1500 * time.Millisecond):       "1.5s",
		ageText(59 * time.Second):              "59s",
		ageText(61 * time.Second):              "1m1s",
		ageText(25*time.Hour + 59*time.Minute): "1d1h",
		perSecond(0):                           "0/s",
		perSecond(0.25):                        "0.2/s",
		perSecond(1234.5):                      "1234/s",
		middle("0123456789", 7):                "012…789",
		middle("0123456", 7):                   "0123456",
		clean("a\x1b[31m\u202eb\xff\n"):        "a?[31m?b??",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	info.Main.Version = "v1.2.3"
	if got := buildOf(info).String(); !strings.HasPrefix(got, "parley v1.2.3, revision 0123456789ab with changes of 2026-01-02T03:04:05Z, go") {
		t.Errorf("version is %q", got)
	}
	b, err := json.Marshal(buildOf(nil))
	if err != nil || !strings.HasPrefix(string(b), `{"version":"unknown","revision":null,"time":null,"modified":null,"go":"go`) {
		t.Errorf("without information it is %s (%v), want nulls", b, err)
	}
}
