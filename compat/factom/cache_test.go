package p2p

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// A file as the original wrote it is understood, and ours is what the original
// reads.
func TestPeerFileOfTheOriginal(t *testing.T) {
	text := `{"bans":{"127.0.0.1":"2126-11-28T07:32:16.040277056Z","127.0.0.1:5000":"2126-11-28T07:32:16.040277056+02:00","example.org":"2126-01-01T00:00:00Z","[::1]:7":"2126-01-01T00:00:00Z","9.9.9.9":"2006-01-01T00:00:00Z","what is this":"2126-01-01T00:00:00Z"},` +
		`"peers":[{"ip":"127.0.0.9","port":"5002"},{"ip":"example.org","port":"5001"},{"ip":"::1","port":"1"},{"ip":"","port":"x"}]}`
	var pc PeerCache
	if err := json.Unmarshal([]byte(text), &pc); err != nil {
		t.Fatal(err)
	}
	banned := map[string]bool{}
	for _, b := range pc.bans(time.Now()) {
		banned[b.Addr.String()] = true
	}
	want := map[string]bool{"127.0.0.1": true, "127.0.0.1:5000": true, "example.org": true, "[::1]:7": true}
	if !reflect.DeepEqual(banned, want) {
		t.Errorf("bans %v, want %v", banned, want)
	}
	if known := pc.known(time.Now()); len(known) != 3 || !known[0].Anchor || known[2].Addr.String() != "[::1]:1" {
		t.Errorf("peers %+v", known)
	}
	path := filepath.Join(t.TempDir(), "peers.json")
	if err := pc.WriteToFile(path); err != nil {
		t.Fatal(err)
	}
	var again PeerCache
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &again)
	}
	if err != nil || !reflect.DeepEqual(again.Peers, pc.Peers) || len(again.Bans) != len(pc.Bans) || !again.Bans["127.0.0.1:5000"].Equal(pc.Bans["127.0.0.1:5000"]) {
		t.Errorf("read %+v, %v", again, err)
	}
	if err := new(PeerCache).WriteToFile(path); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != `{"bans":{},"peers":[]}` {
		t.Errorf("an empty cache is %s, %v", b, err)
	}
}

// A file damaged by a crash is set aside, and does not keep the node from
// starting.
func TestDamagedPeerFile(t *testing.T) {
	c := local(10)
	c.PeerCacheFile = write(t, `{"bans":{},"peers":[{"ip":"12`)
	n := start(t, c)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(c.PeerCacheFile + ".damaged"); err != nil || !strings.HasSuffix(string(b), "12") {
		t.Errorf("set aside: %s, %v", b, err)
	}
	if b, err := os.ReadFile(c.PeerCacheFile); err != nil || string(b) != `{"bans":{},"peers":[]}` {
		t.Errorf("written: %s, %v", b, err)
	}
	c.PeerCacheFile = t.TempDir()
	if _, err := start2(c); err == nil {
		t.Error("a directory is a peer file")
	}
}

// start2 makes and runs a network, and stops it if it runs.
func start2(c Configuration) (*Network, error) {
	n, err := NewNetwork(c)
	if err != nil {
		return nil, err
	}
	defer n.Stop()
	return n, n.Run()
}

func TestRestartFromThePeerFile(t *testing.T) { synctest.Test(t, testRestart) }

// A node finds its peers again from its file alone, unless that is too old;
// peers that dialed it are in it too.
func testRestart(t *testing.T) {
	netw := mem.New(time.Millisecond)
	path := filepath.Join(t.TempDir(), "peers.json")
	quiet := local(10)
	quiet.RedialInterval = 1000 * time.Hour // others do not dial it again
	virtual(t, netw, 2, quiet)
	c := local(10)
	in := quiet
	in.Special = place(1)
	third := virtual(t, netw, 3, in)
	c.PeerCacheFile, c.Special, c.TargetPeers = path, place(2), 2
	first := virtual(t, netw, 1, c)
	time.Sleep(10 * time.Second)
	if first.Total() != 2 {
		t.Fatalf("%d peers, want 2", first.Total())
	}
	first.Stop()
	third.SetSpecial("") // it does not come by itself
	time.Sleep(time.Second)
	c.Special = ""
	second := virtual(t, netw, 1, c)
	time.Sleep(10 * time.Second)
	if second.Total() != 2 || second.peers.Incoming() != 0 {
		t.Errorf("%d peers after a restart, want 2 that were dialed: %v", second.Total(), second.peers.Slice())
	}
	second.Stop()
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	last := virtual(t, netw, 1, c)
	time.Sleep(10 * time.Second)
	if last.Total() != 0 {
		t.Errorf("%d peers from a file that is too old", last.Total())
	}
}

func TestPeerFileInEveryRound(t *testing.T) { synctest.Test(t, testPeerFileInEveryRound) }

// The file is written in a round, and holds who is connected.
func testPeerFileInEveryRound(t *testing.T) {
	netw := mem.New(time.Millisecond)
	virtual(t, netw, 2, local(10))
	c := local(10)
	c.RoundTime, c.Special = time.Hour, place(2)
	c.PeerCacheFile = filepath.Join(t.TempDir(), "peers.json")
	n := virtual(t, netw, 1, c)
	time.Sleep(time.Hour + time.Minute)
	if n.Rounds() != 1 {
		t.Errorf("%d rounds", n.Rounds())
	}
	b, err := os.ReadFile(c.PeerCacheFile)
	if err != nil || string(b) != `{"bans":{},"peers":[{"ip":"10.0.0.2","port":"8108"}]}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestMinReseed(t *testing.T) { synctest.Test(t, testMinReseed) }

// Below MinReseed peers the seed list is read again within a minute or so, and
// otherwise at every PeerReseedInterval.
func testMinReseed(t *testing.T) {
	netw := mem.New(time.Millisecond)
	for i := 1; i <= 3; i++ {
		x := local(10)
		x.TargetPeers = 1
		virtual(t, netw, i, x)
	}
	c := local(10)
	c.TargetPeers, c.MinReseed, c.PeerReseedInterval = 5, 2, 4*time.Hour
	c.SeedURL = write(t, place(1)+"\n")
	n := virtual(t, netw, 9, c)
	list := func(upTo int, after time.Duration, want int) {
		t.Helper()
		text := ""
		for i := 1; i <= upTo; i++ {
			text += place(i) + "\n"
		}
		if err := os.WriteFile(c.SeedURL, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if time.Sleep(after); n.Total() != want {
			t.Errorf("%v after the list had %d, there are %d peers, want %d", after, upTo, n.Total(), want)
		}
	}
	list(1, 30*time.Second, 1)
	list(2, 2*time.Minute, 2) // one peer is too few
	list(3, 3*time.Hour, 2)   // two are not
	list(3, 2*time.Hour, 3)
}
