package node

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/core"
	"parley/transport/mem"
)

func saved(i int) *core.Saved {
	return &core.Saved{
		Time:  time.Unix(int64(i), 0).UTC(),
		Peers: []core.Known{{Addr: host(i), Tries: i, Anchor: true}},
		Bans:  []core.Ban{{Addr: host(i + 1).HostOnly(), Until: time.Unix(1e10, 0).UTC(), Why: "test"}},
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "peers")
	s := OpenFile(path, nil)
	if got, err := s.Load(); got != nil || err != nil {
		t.Errorf("nothing was saved: %v, %v", got, err)
	}
	for i := range 3 {
		if err := s.Save(saved(i)); err != nil {
			t.Fatal(err)
		}
		if got, err := OpenFile(path, nil).Load(); err != nil || !reflect.DeepEqual(got, saved(i)) {
			t.Errorf("saved %+v, loaded %+v, %v", saved(i), got, err)
		}
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", st.Mode(), err)
	}
	if left, err := filepath.Glob(path + "?*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A crash after any step, or in the middle of writing, leaves what was saved
// before or what was being saved, and the next save works.
func TestFileCrash(t *testing.T) {
	for crash := 0; ; crash++ {
		path := filepath.Join(t.TempDir(), "peers")
		f := OpenFile(path, nil).(*file)
		if err := f.Save(saved(1)); err != nil {
			t.Fatal(err)
		}
		b, err := saved(2).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		steps := f.steps(b)
		if crash > len(steps) {
			break
		}
		for i, step := range steps[:crash] {
			if err := step(); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
		torn(t, path+".new", crash)
		got, err := OpenFile(path, nil).Load()
		if err != nil || !reflect.DeepEqual(got, saved(1)) && !reflect.DeepEqual(got, saved(2)) {
			t.Errorf("crash after %d steps: loaded %+v, %v", crash, got, err)
		}
		if want := crash == len(steps); want && !reflect.DeepEqual(got, saved(2)) {
			t.Errorf("after all steps: loaded %+v", got)
		}
		if err := OpenFile(path, nil).Save(saved(3)); err != nil {
			t.Errorf("saving after a crash after %d steps: %v", crash, err)
		}
		if got, err := OpenFile(path, nil).Load(); err != nil || !reflect.DeepEqual(got, saved(3)) {
			t.Errorf("saved after a crash after %d steps: %+v, %v", crash, got, err)
		}
	}
}

// torn cuts a file that was not synced to a part, as a power failure may.
func torn(t *testing.T, path string, part int) {
	t.Helper()
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		err = os.Truncate(path, st.Size()*int64(part)/10)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged file is set aside with a warning. Every damage is noticed.
func TestFileDamaged(t *testing.T) {
	whole, err := saved(1).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 1
	for what, b := range map[string][]byte{"empty": {}, "cut": whole[:len(whole)-9], "flipped": flipped, "other": []byte("hello")} {
		dir := t.TempDir()
		path := filepath.Join(dir, "peers")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		log := &logs{}
		if got, err := OpenFile(path, log.logger()).Load(); got != nil || err != nil {
			t.Errorf("%s: loaded %+v, %v", what, got, err)
		}
		if !strings.Contains(log.text(), "level=WARN") {
			t.Errorf("%s: no warning", what)
		}
		aside, err := filepath.Glob(path + ".damaged-*")
		if err != nil || len(aside) != 1 {
			t.Fatalf("%s: set aside as %v, %v", what, aside, err)
		}
		if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != string(b) {
			t.Errorf("%s: set aside with other content: %v", what, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: still in its place: %v", what, err)
		}
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir() // a directory where a file should be
	s := OpenFile(dir, nil)
	if _, err := s.Load(); err == nil {
		t.Error("loaded a directory")
	}
	if err := s.Save(saved(1)); err == nil {
		t.Error("saved over a directory")
	}
	n, err := New(Config{Dialect: member(mem.New(0), 1).Dialect, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "store") {
		t.Errorf("a node whose store cannot be read: %v", err)
	}
}

// memory is a store that counts.
type memory struct {
	mu    sync.Mutex
	last  *core.Saved
	at    []time.Time
	under int
	err   error
}

func (m *memory) Load() (*core.Saved, error) { return m.last, nil }

func (m *memory) Save(s *core.Saved) error {
	m.mu.Lock()
	m.under++
	if m.under > 1 {
		panic("two saves at once")
	}
	m.at = append(m.at, time.Now())
	m.last = s
	m.mu.Unlock()
	time.Sleep(25 * time.Second) // a slow disk
	m.mu.Lock()
	m.under--
	m.mu.Unlock()
	return m.err
}

// Saves are never at once nor often, the last is made when everything has
// ended, and after a restart the peers that were linked are dialed.
func TestSaver(t *testing.T) { synctest.Test(t, testSaver) }

func testSaver(t *testing.T) {
	netw := mem.New(time.Millisecond)
	run(t, member(netw, 1))
	store := &memory{}
	cfg := member(netw, 2, 1)
	cfg.Store = store
	n := run(t, cfg)
	n.only(t)
	for i := range 200 {
		if err := n.Learn(nil); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Ban(host(100+i).HostOnly(), "", time.Hour, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	n.stop()
	for i := 1; i < len(store.at)-1; i++ {
		if pause := store.at[i].Sub(store.at[i-1]); pause < saveEvery {
			t.Errorf("saved again after %v", pause)
		}
	}
	if len(store.at) < 3 {
		t.Errorf("saved %d times in minutes of changes", len(store.at))
	}
	s := store.last
	if len(s.Bans) != 200 || len(s.Peers) != 1 || s.Peers[0].Addr != host(1) || !s.Peers[0].Anchor {
		t.Errorf("saved last: %d bans, peers %+v", len(s.Bans), s.Peers)
	}
	again := member(netw, 2)
	again.Store = store
	if l := run(t, again).only(t); l.Addr() != host(1) {
		t.Errorf("after a restart linked to %s", l.Addr())
	}
}

func TestSaverFails(t *testing.T) { synctest.Test(t, testSaverFails) }

func testSaverFails(t *testing.T) {
	log := &logs{}
	cfg := member(mem.New(0), 1)
	cfg.Log, cfg.Store = log.logger(), &memory{err: errors.New("disk full")}
	run(t, cfg).stop()
	if !strings.Contains(log.text(), "disk full") {
		t.Error("the log does not say that nothing was saved")
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "file")
	for _, text := range []string{"first, longer", "second"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("read %q, %v, want %q", b, err, text)
		}
	}
	if err := WriteFile(filepath.Dir(path), nil); err == nil {
		t.Error("a directory was replaced")
	}
}
