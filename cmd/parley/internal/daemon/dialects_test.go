package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parley/addr"
	"parley/api"
	"parley/config"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/route"
)

// flags makes flags of names and values in turn.
func flags(pairs ...string) (gs []config.Given) {
	for p := range slices.Chunk(pairs, 2) {
		gs = append(gs, config.Given{Name: p[0], Text: p[1]})
	}
	return gs
}

// launchAs runs a daemon of any dialect on loopback until it is ended.
func launchAs(t *testing.T, pairs ...string) *running {
	t.Helper()
	return launchWith(t, "", nil, flags(append([]string{"listen", "127.0.0.1:0", "log-level", "debug"}, pairs...)...))
}

// TestEveryDialect lets two nodes of each dialect meet, and looks at them through
// the commands.
func TestEveryDialect(t *testing.T) {
	for _, name := range config.Dialects() {
		t.Run(name, func(t *testing.T) {
			home := alone(t)
			network := map[string]string{"cometbft": "chain-1", "factom/10": "LocalNet"}[name]
			first, second := filepath.Join(home, "1"), filepath.Join(home, "2")
			a := launchAs(t, "dialect", name, "network", network, "data-dir", first, "seed-url", "")
			b := launchAs(t, "dialect", name, "network", network, "data-dir", second, "seed-url", "", "peers", a.at(), "user-agent", "other:1.0")
			a.out.wait("join ")
			b.out.wait("join ")
			if st := ask[api.Status](t, first, "status"); st.Dialect != name || st.Links.In == 0 || (st.Network.ID == "") != strings.Contains(name, "t2014") && name != "cometbft" {
				t.Errorf("the first node's status is %+v", st)
			}
			ps := ask[api.Peers](t, second, "peers")
			if len(ps.Peers) == 0 || !ps.Peers[0].Special || ps.Peers[0].Addr != a.at() {
				t.Errorf("the second node's peers are %+v, want the first, as a special one", ps.Peers)
			}
			if r := ask[api.BanResult](t, first, "ban", "127.0.0.1"); r.Ended == 0 {
				t.Error("the ban ended no link")
			}
			b.out.wait("leave ")
			b.stop(t)
			a.stop(t)
		})
	}
}

// TestCometPeers lets a node insist on who its persistent peer is, keep its key over
// a restart, and let in over its limit whom it trusts.
func TestCometPeers(t *testing.T) {
	home := alone(t)
	comet := func(dir string, more ...string) *running {
		return launchAs(t, append([]string{"dialect", "cometbft", "network", "c", "data-dir", filepath.Join(home, dir)}, more...)...)
	}
	b := comet("b")
	id := b.node.Self().ID
	b.stop(t)
	if fi, err := os.Stat(filepath.Join(home, "b", "node_key.json")); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", fi, err)
	}
	a := comet("a", "inbound", "0", "unconditional-peer-ids", id)
	at := a.node.Self().ID + "@" + a.at()
	other := comet("other", "persistent-peers", strings.Repeat("0", 40)+"@"+a.at())
	other.logs.wait("want " + strings.Repeat("0", 40))
	b = comet("b", "persistent-peers", at)
	if got := b.node.Self().ID; got != id {
		t.Errorf("after a restart the identity is %s, was %s", got, id)
	}
	a.out.wait("id " + middle(id, 40))
	b.out.wait("join ")
	stranger := comet("stranger", "peers", a.at())
	a.logs.wait("full")
	trusted := func(p api.Peer) bool { return p.Peer != nil && *p.Peer == id }
	if ps := ask[api.Peers](t, filepath.Join(home, "a"), "peers"); !slices.ContainsFunc(ps.Peers, trusted) {
		t.Errorf("peers are %+v, want the trusted one among those who knock", ps.Peers)
	}
	for _, r := range []*running{stranger, b, other, a} {
		r.stop(t)
	}
}

// TestSeedMode lets a node learn of another from a seed, which then hangs up.
func TestSeedMode(t *testing.T) {
	home := alone(t)
	comet := func(dir string, more ...string) *running {
		return launchAs(t, append([]string{"dialect", "cometbft", "network", "c", "data-dir", filepath.Join(home, dir)}, more...)...)
	}
	a := comet("a")
	list := filepath.Join(home, "list")
	if err := os.WriteFile(list, []byte(a.at()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := comet("seed", "seed-mode", "true", "seed-file", list)
	seed.out.wait("none: peers: a seed answers once") // it has crawled the first
	b := comet("b", "seeds", seed.node.Self().ID+"@"+seed.at())
	b.out.wait("id " + a.node.Self().ID)
	b.out.wait("leave #1 " + seed.at())
	for _, r := range []*running{b, a, seed} {
		r.stop(t)
	}
}

// TestBanIdentity bans who a peer has proven to be, and lets it in again.
func TestBanIdentity(t *testing.T) {
	home := alone(t)
	first := filepath.Join(home, "a")
	a := launchAs(t, "dialect", "cometbft", "network", "c", "data-dir", first)
	b := launchAs(t, "dialect", "cometbft", "network", "c", "data-dir", filepath.Join(home, "b"), "peers", a.at())
	a.out.wait("join ")
	id := b.node.Self().ID
	if r := ask[api.BanResult](t, first, "ban", "id="+id); r.Ended != 1 {
		t.Errorf("the ban ended %d links, want 1", r.Ended)
	}
	a.out.wait("leave ")
	if out, _, _ := parley(t.Context(), "bans", "--data-dir", first); !strings.Contains(out, id) {
		t.Errorf("the bans are\n%s\nwant one of %s", out, id)
	}
	if r := ask[api.UnbanResult](t, first, "unban", "127.0.0.1"); r.Lifted {
		t.Error("lifted as a ban of the machine")
	}
	if r := ask[api.UnbanResult](t, first, "unban", "id="+id); !r.Lifted {
		t.Error("the ban was not lifted")
	}
	b.stop(t)
	a.stop(t)
}

// TestObserver sends messages to a node that shows them and to one that keeps them.
func TestObserver(t *testing.T) {
	home := alone(t)
	journal := filepath.Join(home, "j", "messages.jsonl")
	comet := func(dir string, more ...string) *running {
		return launchAs(t, append([]string{"dialect", "cometbft", "network", "c", "data-dir", filepath.Join(home, dir)}, more...)...)
	}
	shows := comet("shows", "channels", "0x22")
	keeps := comet("keeps", "channels", "0x22,0x30", "journal", journal, "journal-body", "3")
	sender := comet("sender", "peers", shows.at()+","+keeps.at())
	for _, r := range []*running{shows, keeps} {
		r.out.wait("join ")
	}
	sender.out.wait(shows.at())
	sender.out.wait("join  #2")
	for _, m := range []dialect.Message{{Type: 0x22, Body: []byte("a vote")}, {Type: 0x30, Body: []byte("tx")}} {
		sender.node.Broadcast(m, route.All(), nil)
	}
	shows.out.wait("channel 0x22, 6 bytes")
	sender.stop(t) // what it sent has arrived by then
	keeps.out.wait("leave ")
	keeps.stop(t)
	shows.stop(t)
	if text := shows.out.String(); strings.Contains(text, "0x30") {
		t.Errorf("a channel was listened to that was not asked for:\n%s", text)
	}
	if text := keeps.out.String(); strings.Contains(text, "recv ") {
		t.Errorf("what is kept is shown too:\n%s", text)
	}
	b, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(string(b)) {
		var l struct {
			Kind, Peer string
			Size       int
			Body       []byte
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Peer != sender.node.Self().ID || len(l.Body) != min(3, l.Size) {
			t.Errorf("line %s: %v", line, err)
		}
		kinds = append(kinds, l.Kind)
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"channel 0x22", "channel 0x30"}) {
		t.Errorf("kept are %q, want a message of each channel", kinds)
	}
}

// hosts is a resolver that knows one name.
type hosts struct {
	name string
	ip   netip.Addr
}

func (h hosts) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host != h.name {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{h.ip}, nil
}

// TestDNSSeeds lets a node find another by the name of a host, at the port of the
// network.
func TestDNSSeeds(t *testing.T) {
	home := alone(t)
	b := launchWith(t, "", hosts{"seed.example", netip.MustParseAddr("127.0.0.7")}, flags(
		"dialect", "soter", "listen", "127.0.0.1:0", "log-level", "debug", "data-dir", filepath.Join(home, "b"),
		"dns-seeds", "gone.example,seed.example"))
	b.out.wait(`seeds "gone.example seed.example": 1 addresses, 0 bad lines`)
	b.logs.wait("seed gone.example: no such host")
	b.logs.wait("127.0.0.7:18555") // it was dialed
	b.stop(t)
}

// TestImport lets nodes take over the peers of other programs.
func TestImport(t *testing.T) {
	home := alone(t)
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	soter := launchAs(t, "dialect", "soter", "data-dir", filepath.Join(home, "s1"))
	book := put("peers.json", `{"Version":1,"Key":[1,2],"Addresses":[{"Addr":"`+soter.at()+`","Src":"1.2.3.4:5","Attempts":1,"TimeStamp":7,"LastAttempt":7,"LastSuccess":7}],"NewBuckets":[],"TriedBuckets":[]}`)
	importer := launchAs(t, "dialect", "soter", "data-dir", filepath.Join(home, "s2"), "import-peers", book)
	importer.out.wait("join ")
	importer.stop(t)
	soter.stop(t)

	comet := launchAs(t, "dialect", "cometbft", "network", "c", "data-dir", filepath.Join(home, "c1"))
	at, err := addr.Parse(comet.at())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{strings.Repeat("7", 40), comet.node.Self().ID} { // who is not there, and who is
		who := tendermint.NetAddress{ID: id, Addr: at}
		text, err := (&tendermint.AddrBook{Key: "k", Addrs: []tendermint.KnownAddress{{Addr: who, Src: who}}}).Format()
		if err != nil {
			t.Fatal(err)
		}
		importer = launchAs(t, "dialect", "cometbft", "network", "c", "data-dir", filepath.Join(home, "c", strconv.Itoa(i)), "import-peers", put("addrbook.json", string(text)))
		if i == 0 {
			importer.logs.wait(id + " was to be at")
		} else {
			importer.out.wait("join ")
		}
		importer.stop(t)
	}
	comet.stop(t)
}

// TestBadFiles starts nodes with files that are wrong.
func TestBadFiles(t *testing.T) {
	home := alone(t)
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ args, want string }{
		{"--dialect soter --import-peers /nonexistent", "import-peers: open /nonexistent"},
		{"--dialect soter --import-peers " + put("a", "{\"Version\":1,\n\"Addresses\":[}"), "import-peers: " + home + "/a: peers file: line 2: "},
		{"--dialect soter --import-peers " + put("b", `{"Version":3}`), "peers file: Version: 3, want 1 or 2"},
		{"--dialect soter --import-peers " + put("c", `{"Version":1,"Addresses":[{"Addr":"1.2.3.4:5"},{"Addr":"1.2.3.4"}]}`), "peers file: Addresses[1]: Addr: "},
		{"--dialect soter --import-peers " + put("d", `{"Version":1,"Addresses":[{"Addr":7}]}`), "peers file: Addresses[0]: "},
		{"--dialect cometbft --network c --import-peers " + put("e", `{"key":"","addrs":[{"addr":{"id":"x"}}]}`), "address book: entry 0: identity"},
		{"--dialect cometbft --network c --node-key-file " + put("f", "{}"), "node-key-file: " + home + "/f: "},
		{"--dialect cometbft --network c --journal " + home, "journal: "},
	} {
		_, errs, code := parley(t.Context(), append([]string{"node", "--data-dir", filepath.Join(home, "state"), "--listen", "none"}, strings.Fields(tt.args)...)...)
		if code != exitError || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit code %d, %q, want %q", tt.args, code, errs, tt.want)
		}
	}
}
