package core

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
)

func someSaved() *Saved {
	return &Saved{
		Time: epoch,
		Peers: []Known{
			{Addr: at("8.1.0.1:7"), Seen: epoch.Add(-time.Hour), Anchor: true},
			{Addr: at("[2001:db8::1]:7"), Tries: 3},
			{Addr: at("peer.example:7")},
		},
		Bans: []Ban{
			{Addr: at("8.2.0.1"), Until: epoch.Add(time.Hour), Why: "by hand"},
			{Addr: at("8.2.0.1:7"), ID: "x", Until: epoch.Add(time.Hour)},
			{ID: "y", Until: epoch.Add(time.Hour)},
		},
	}
}

func TestSavedFile(t *testing.T) {
	want := someSaved()
	b, err := want.Append([]byte("before"))
	if err != nil || !bytes.HasPrefix(b, []byte("beforeparley-peers 1 ")) {
		t.Fatalf("Append: %.60q, %v", b, err)
	}
	b = b[len("before"):]
	got, err := ParseSaved(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("what was saved became %+v, %v", got, err)
	}
	for i := range b {
		if _, err := ParseSaved(b[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := ParseSaved(bad); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

func TestSavedByHand(t *testing.T) {
	for _, c := range []struct {
		name, in    string
		peers, bans int
		err         string
	}{
		{"empty object", " {}", 0, 0, ""},
		{"nulls", `{"peers":null,"bans":null}`, 0, 0, ""},
		{"only peers", `{"peers":[{"addr":"8.1.0.1:7"}]}`, 1, 0, ""},
		{"unknown fields", `{"peers":[{"addr":"8.1.0.1:7","rank":1}],"more":[]}`, 1, 0, ""},
		{"unreadable items", `{"peers":[{"addr":"8.1.0.1"},{"addr":"x"},{"addr":7},null,7,{},{"addr":"8.1.0.1:7","tries":-1},{"addr":"8.1.0.1:7"}],
			"bans":[{"addr":"256.1.1.1"},{},null,{"addr":"8.1.0.1","until":"soon"},{"addr":"8.1.0.1","until":"2030-01-01T00:00:00Z"}]}`, 1, 1, ""},
		{"empty", "", 0, 0, "first line"},
		{"not json", "{", 0, 0, "unexpected end"},
		{"wrong type", `{"peers":7}`, 0, 0, "cannot unmarshal"},
		{"later version", "parley-peers 2 00000000\n{}", 0, 0, "version"},
		{"another file", "hello world again\n{}", 0, 0, "first line"},
		{"wrong checksum", "parley-peers 1 00000000\n{}", 0, 0, "checksum"},
	} {
		s, err := ParseSaved([]byte(c.in))
		if c.err != "" {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want one about %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil || len(s.Peers) != c.peers || len(s.Bans) != c.bans {
			t.Errorf("%s: %+v, %v; want %d peers and %d bans", c.name, s, err, c.peers, c.bans)
		}
	}
	if _, err := ParseSaved(make([]byte, maxSaved+1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("too long: %v", err)
	}
}

// TestSaveInPages checks that what is saved with other calls in between misses
// nothing that was there all along.
func TestSaveInPages(t *testing.T) {
	const known = 5 * savePage / 2
	n := newNode(1, Config{Outbound: -1, Book: BookConfig{Size: 2 * known}})
	var e Effects
	for i := range known {
		n.Learn(epoch, []addr.Addr{benchAddr(i)}, &e)
	}
	gone := map[addr.Addr]bool{}
	s, calls := new(Saved), 1
	for ; n.Save(epoch, s); calls++ {
		for i := calls * 100; i < calls*100+50; i++ {
			n.book.Remove(benchAddr(i))
			gone[benchAddr(i)] = true
		}
		n.Learn(epoch, []addr.Addr{benchAddr(known + calls)}, &e)
	}
	if calls != 1+3 {
		t.Errorf("%d calls, want 4: one for the rest and %d for %d addresses", calls, 3, known)
	}
	saved := map[addr.Addr]bool{}
	for _, k := range s.Peers {
		saved[k.Addr] = true
	}
	for i := range known {
		if a := benchAddr(i); !saved[a] && !gone[a] {
			t.Errorf("%v is missing", a)
		}
	}
}

// TestRestoreTolerates checks that what cannot be true does no harm.
func TestRestoreTolerates(t *testing.T) {
	n := newNode(1, Config{Outbound: -1})
	var e Effects
	n.Restore(epoch, &Saved{
		Peers: []Known{
			{Addr: at("8.1.0.1:7"), Seen: epoch.Add(time.Hour), Tries: -5},
			{Addr: at("8.1.0.1")}, {}, {Addr: at("8.1.0.1:7")},
		},
		Bans: []Ban{{}, {Addr: at("8.2.0.1"), Until: epoch}},
	}, &e)
	got := n.Saved(epoch)
	if len(got.Peers) != 1 || got.Peers[0] != (Known{Addr: at("8.1.0.1:7"), Seen: epoch}) || len(got.Bans) != 0 {
		t.Errorf("restored %+v", got)
	}
	if e.Save {
		t.Error("what was just read is to be saved again")
	}
}

// TestSaveWhen checks that changes are saved after a while, many of them
// sooner, and nothing without reason.
func TestSaveWhen(t *testing.T) {
	n := newNode(1, Config{Outbound: -1}, "8.1.0.1:7")
	var e Effects
	n.Wake(epoch, &e)
	if e.Save || !n.Next().IsZero() {
		t.Error("a node that was just made wants to save")
	}
	n.Learn(epoch, addrs("8.1.0.1:7"), &e)
	if !n.Next().IsZero() {
		t.Error("nothing new is to be saved")
	}
	n.Learn(epoch, addrs("8.2.0.1:7"), &e)
	if got := n.Next(); !got.Equal(epoch.Add(saveAfter)) {
		t.Errorf("one change is saved at %v, want after %v", got.Sub(epoch), saveAfter)
	}
	for i := range manyChanges {
		n.Learn(epoch, addrs(at("8.3.0.1:1").WithPort(uint16(i+1)).String()), &e)
	}
	if got := n.Next(); !got.Equal(epoch.Add(savePause)) || e.Save {
		t.Errorf("many changes are saved at %v, want after %v", got.Sub(epoch), savePause)
	}
	n.Wake(n.Next(), &e)
	if !e.Save || !n.Next().IsZero() {
		t.Errorf("saved: %v, then next %v", e.Save, n.Next())
	}
	e.Reset()
	n.Ban(epoch, Ban{Addr: at("8.9.0.1"), Until: epoch.Add(time.Hour)}, &e)
	if !e.Save {
		t.Error("a ban is not saved at once")
	}
	e.Reset()
	n.Ban(epoch, Ban{Addr: at("8.9.0.1"), Until: epoch.Add(time.Minute)}, &e)
	n.Unban(epoch, Within(at("8.8.0.1")), &e)
	if e.Save {
		t.Error("a ban that changes nothing is saved")
	}
	id, _ := n.Accepted(epoch, at("8.1.0.1:1"))
	n.Opened(epoch, id, dialect.Intro{ID: "a"}, &e)
	n.Closed(epoch, id, nil, &e)
	if e.Save {
		t.Error("a link that came and went is saved")
	}
}

func FuzzParseSaved(f *testing.F) {
	b, err := someSaved().Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"peers":[{"addr":"8.1.0.1:7","tries":1}],"bans":[{"addr":"8.1.0.1","until":"2030-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSaved(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		out, err := s.Append(nil)
		if err != nil {
			t.Fatalf("what was parsed can not be saved: %v", err)
		}
		again, err := ParseSaved(out)
		if err != nil {
			t.Fatalf("what was saved can not be parsed: %v", err)
		}
		twice, err := again.Append(nil)
		if err != nil || !bytes.Equal(out, twice) {
			t.Fatalf("saved twice it differs: %v", err)
		}
		n := newNode(1, Config{Book: BookConfig{Size: 8}})
		n.Restore(epoch, s, &Effects{})
		if known := n.State(epoch).Known; known > 8 {
			t.Fatalf("restored %d addresses, limit 8", known)
		}
	})
}
