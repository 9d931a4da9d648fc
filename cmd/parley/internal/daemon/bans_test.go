package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/config"
	"parley/core"
)

func TestParseBans(t *testing.T) {
	list, err := parseBans(strings.NewReader("# bad\n1.2.3.4 ; all of it\n\n5.6.7.8:9\nhost.example\r\n::1\n"))
	want := []addr.Addr{place(t, "1.2.3.4"), place(t, "5.6.7.8:9"), {Host: "host.example"}, place(t, "::1")}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("bans are %v (%v), want %v", list, err, want)
	}
	for text, want := range map[string]string{
		"1.2.3.4\n1.2.3.4 for ever\n":              `line 2: "1.2.3.4 for ever": want a host, or host:port`,
		strings.Repeat("1.2.3.4\n", maxBans+1):     "line 2049: over the limit of 2048 bans",
		strings.Repeat("# ........\n", 110000):     "over the limit of 1048576 bytes",
		"1.2.3.4:0\n":                              "line 1:",
		strings.Repeat("x", 1<<17) + "\n1.2.3.4\n": "too long",
	} {
		if _, err := parseBans(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: error is %v, want %s", text, err, want)
		}
	}
}

func TestListedBans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bans")
	s := &config.Settings{Ban: []addr.Addr{place(t, "1.1.1.1")}, BansFile: path}
	if _, err := listedBans(s); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want that the file does not exist", err)
	}
	if err := os.WriteFile(path, []byte("2.2.2.2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := listedBans(s)
	if err != nil || !slices.Equal(list, []addr.Addr{place(t, "1.1.1.1"), place(t, "2.2.2.2")}) {
		t.Errorf("bans are %v (%v), want those of the setting and the file", list, err)
	}
	s.Ban = slices.Repeat(s.Ban, maxBans)
	if _, err := listedBans(s); err == nil || !strings.Contains(err.Error(), "2049 bans, limit 2048") {
		t.Errorf("error is %v, want the limit of both together", err)
	}
}

func TestUnlisted(t *testing.T) {
	lift := unlisted([]addr.Addr{place(t, "1.1.1.1"), place(t, "3.3.3.3")})
	for _, c := range []struct {
		ban  core.Ban
		lift bool
	}{
		{core.Ban{Addr: place(t, "1.1.1.1"), Why: configured}, false},
		{core.Ban{Addr: place(t, "1.1.1.1:5"), Why: configured}, true}, // a port of a machine that still is
		{core.Ban{Addr: place(t, "2.2.2.2"), Why: configured}, true},
		{core.Ban{Addr: place(t, "2.2.2.2:5"), ID: "x", Why: "flood"}, false},
		{core.Ban{ID: "x", Why: "spam"}, false},
	} {
		if got := lift(c.ban); got != c.lift {
			t.Errorf("%+v is lifted: %v, want %v", c.ban, got, c.lift)
		}
	}
}

// memory is a store in memory.
type memory struct {
	saved *core.Saved
	err   error
}

func (m *memory) Load() (*core.Saved, error) { return m.saved, m.err }
func (m *memory) Save(s *core.Saved) error   { m.saved = s; return m.err }

func TestBanStore(t *testing.T) {
	listed := []addr.Addr{place(t, "1.1.1.1")}
	inner := &memory{saved: &core.Saved{
		Peers: []core.Known{{Addr: place(t, "9.9.9.9:9")}},
		Bans:  []core.Ban{{Addr: place(t, "2.2.2.2"), Why: configured}, {Addr: place(t, "3.3.3.3"), Why: "spam"}},
	}}
	s, err := (&banStore{Store: inner, listed: listed}).Load()
	if err != nil || len(s.Peers) != 1 || len(s.Bans) != 2 || s.Bans[0].Why != "spam" || s.Bans[1].Addr != listed[0] || s.Bans[1].Why != configured {
		t.Errorf("loaded %+v (%v), want the peers, the ban that was not listed, and the listed one", s, err)
	}
	for _, b := range []*banStore{{listed: listed}, {Store: &memory{}, listed: listed}} {
		s, err := b.Load()
		if err != nil || len(s.Bans) != 1 {
			t.Errorf("loaded %+v (%v), want the listed ban alone", s, err)
		}
		if err := b.Save(s); err != nil {
			t.Error(err)
		}
	}
	broken := &banStore{Store: &memory{err: os.ErrPermission}, listed: listed}
	if _, err := broken.Load(); !errors.Is(err, os.ErrPermission) {
		t.Errorf("error is %v, want that of the store", err)
	}
}

func TestTakeOver(t *testing.T) {
	imported := &core.Saved{
		Peers: []core.Known{{Addr: place(t, "1.1.1.1:1"), Tries: 9}, {Addr: place(t, "2.2.2.2:2")}},
		Bans:  []core.Ban{{Addr: place(t, "3.3.3.3"), Until: time.Now().Add(time.Hour)}},
	}
	for _, tt := range []struct {
		saved *core.Saved
		bans  int
	}{
		{&core.Saved{Peers: []core.Known{{Addr: place(t, "1.1.1.1:1"), Tries: 1}}}, 1},
		{&core.Saved{Time: time.Now(), Peers: []core.Known{{Addr: place(t, "1.1.1.1:1"), Tries: 1}}}, 0},
	} {
		s, err := (&banStore{Store: &memory{saved: tt.saved}, imported: imported}).Load()
		if err != nil || len(s.Peers) != 2 || s.Peers[0].Tries != 1 || len(s.Bans) != tt.bans {
			t.Errorf("taken over: %+v (%v), want a peer and %d bans more", s, err, tt.bans)
		}
	}
}

func place(t *testing.T, s string) addr.Addr {
	t.Helper()
	var a addr.Addr
	if err := a.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return a
}
