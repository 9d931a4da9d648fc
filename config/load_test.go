package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/addr"
)

// home is an environment that finds no configuration file.
var home = []string{"HOME=/nonexistent"}

func load(t *testing.T, o Options) *Settings {
	t.Helper()
	o.Env = append(slices.Clone(home), o.Env...)
	s, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func peer(t *testing.T, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLayers(t *testing.T) {
	toml := write(t, "parley.toml", "\n# comment\ninbound = 10\nround_time = \"1m\"\nseed-url = \"http://file/\"\n")
	quoted := write(t, "quoted.toml", "\n\"inb\\u006fund\" = 3\n'target' = 4\n")
	ini := write(t, "factomd.conf", "[app]\nInbound = 11 ; note\n\nTestSeedURL = \"http://ini/x;y#z\"\nNetwork = Test\n")
	for _, tt := range []struct {
		name              string
		file              string
		env               []string
		flags             []Given
		key, want, origin string
	}{
		{"default", "", nil, nil, "inbound", "36", "default"},
		{"file over default", toml, nil, nil, "inbound", "10", toml + ":3"},
		{"environment over file", toml, []string{"PARLEY_INBOUND=12"}, nil, "inbound", "12", "env PARLEY_INBOUND"},
		{"flag over environment", toml, []string{"PARLEY_INBOUND=12"}, []Given{{"inbound", "13"}}, "inbound", "13", "flag --inbound"},
		{"the last flag counts", "", nil, []Given{{"inbound", "13"}, {"inbound", "14"}}, "inbound", "14", "flag --inbound"},
		{"a flag may say zero", toml, nil, []Given{{"inbound", "0"}}, "inbound", "0", "flag --inbound"},
		{"a flag may say nothing", toml, nil, []Given{{"seed-url", ""}}, "seed-url", "", "flag --seed-url"},
		{"older flag", toml, nil, []Given{{"p2pIncoming", "15"}}, "inbound", "15", "flag --p2pIncoming"},
		{"older flag whose zero says nothing", toml, nil, []Given{{"p2pIncoming", "0"}}, "inbound", "10", toml + ":3"},
		{"older flag in milliseconds", "", nil, []Given{{"deadline", "300"}}, "write-timeout", "300ms", "flag --deadline"},
		{"quoted key in TOML", quoted, nil, nil, "inbound", "3", quoted + ":2"},
		{"literal key in TOML", quoted, nil, nil, "target", "4", quoted + ":3"},
		{"kebab case in TOML", toml, nil, nil, "seed-url", "http://file/", toml + ":5"},
		{"INI with a comment", ini, nil, nil, "inbound", "11", ini + ":2"},
		{"key of the chosen network", ini, nil, nil, "seed-url", "http://ini/x;y#z", ini + ":4"},
		{"own key over that of the network", ini, []string{"PARLEY_SEED_URL=http://env/"}, nil, "seed-url", "http://env/", "env PARLEY_SEED_URL"},
		{"network in any case", ini, nil, nil, "network", "TEST", ini + ":5"},
		{"port follows network", ini, nil, nil, "port", "8109", "default of network TEST"},
		{"port follows the flag", ini, nil, []Given{{"network", "main"}}, "port", "8108", "default of network MAIN"},
		{"any port", "", nil, []Given{{"listen", ":0 [::1]:0,127.0.0.1:0"}}, "listen", ":0,[::1]:0,127.0.0.1:0", "flag --listen"},
		{"listen follows port", "", nil, []Given{{"networkPort", "9000"}}, "listen", ":9000", "default of port"},
		{"limits give way to max", "", nil, []Given{{"max", "20"}}, "target", "20", "default of max"},
		{"file from the environment", "", []string{"PARLEY_CONFIG=" + toml}, nil, "inbound", "10", toml + ":3"},
		{"socket follows data-dir", "", []string{"XDG_RUNTIME_DIR=/run/x"}, []Given{{"data-dir", "/d"}}, "socket", "/d/control.sock", "default of data-dir"},
		{"socket in the runtime directory", "", []string{"XDG_RUNTIME_DIR=/run/x"}, nil, "socket", "/run/x/parley/control.sock", "default of XDG_RUNTIME_DIR"},
		{"state directory", "", []string{"XDG_STATE_HOME=/s"}, nil, "data-dir", "/s/parley", "default of XDG_STATE_HOME"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, Options{File: tt.file, Env: tt.env, Flags: tt.flags})
			rows, err := s.Rows()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(rows, func(r Row) bool { return r.Key == tt.key })
			if got := rows[i]; got.Text != tt.want || got.Origin.String() != tt.origin {
				t.Errorf("%s is %q from %s, want %q from %s", tt.key, got.Text, got.Origin, tt.want, tt.origin)
			}
		})
	}
}

func TestOwnFileIsFound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "parley", "parley.conf")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("inbound=7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := load(t, Options{Env: []string{"XDG_CONFIG_HOME=" + dir}}); s.Inbound != 7 || s.File != path {
		t.Errorf("read %q with inbound %d, want %q with 7", s.File, s.Inbound, path)
	}
}

// TestSeedDocument reads the example of factomd's networking document as it is
// printed there, and adds to it what a user would.
func TestSeedDocument(t *testing.T) {
	s := load(t, Options{File: "testdata/seed.conf"})
	const base = "https://raw.githubusercontent.com/FactomProject/factomproject.github.io/master/seed/"
	want := [networks]NetSettings{
		Main:   {8108, base + "mainseed.txt", []addr.Addr{}},
		Test:   {8109, base + "testseed.txt", []addr.Addr{}},
		Local:  {8110, base + "localseed.txt", []addr.Addr{}},
		Custom: {Port: 8110},
	}
	if !reflect.DeepEqual(s.Nets, want) {
		t.Errorf("networks are %+v, want %+v", s.Nets, want)
	}
	if s.Network != "LOCAL" || s.Port != 8110 || s.SeedURL != base+"localseed.txt" || len(s.Warnings) != 0 {
		t.Errorf("network %s, port %d, seeds %q, warnings %q", s.Network, s.Port, s.SeedURL, s.Warnings)
	}
	if got := s.Origins["port"].String(); got != "testdata/seed.conf:10" {
		t.Errorf("port comes from %s, want the line of LocalNetworkPort", got)
	}
	if got := filepath.Base(s.PeersFile); got != "local-peers.json" {
		t.Errorf("peers file is %s, want local-peers.json", got)
	}
}

func TestSpecialPeersAreJoined(t *testing.T) {
	ini := write(t, "factomd.conf", "Network = MAIN\nMainSpecialPeers = \"1.2.3.4:8108,host.example:8108\"\nLocalSpecialPeers = 9.9.9.9:1\n")
	s := load(t, Options{File: ini, Flags: []Given{{"peers", "5.6.7.8:8108 1.2.3.4:8108|[::1]:1+2.2.2.2:2"}}})
	want := []addr.Addr{
		peer(t, "1.2.3.4:8108"), peer(t, "host.example:8108"), peer(t, "5.6.7.8:8108"),
		peer(t, "[::1]:1"), peer(t, "2.2.2.2:2"),
	}
	if got := s.Special(); !slices.Equal(got, want) {
		t.Errorf("special peers are %v, want %v", got, want)
	}
	if got := s.Core().Always; !slices.Equal(got, want) {
		t.Errorf("the core holds on to %v, want %v", got, want)
	}
}

func TestNetworkID(t *testing.T) {
	for _, tt := range []struct {
		network, custom string
		want            uint32
		label           string
	}{
		{"main", "", 0xfeedbeef, "main"},
		{"TEST", "", 0xdeadbeef, "test"},
		{"Local", "", 0x00beaded, "local"},
		{"MainNet", "", 0xfeedbeef, "main"},
		{"testnet", "", 0xdeadbeef, "test"},
		{"LocalNet", "", 0x00beaded, "local"},
		{"custom", "fct_community_test", 0x883e093b, "custom-883e093b"},
	} {
		s := load(t, Options{Flags: []Given{{"network", tt.network}, {"customnet", tt.custom}}})
		if s.NetworkID() != tt.want || s.Net.Label != tt.label {
			t.Errorf("%s %q has id %#x, want %#x", tt.network, tt.custom, s.NetworkID(), tt.want)
		}
	}
}

func TestProblemsAreNamed(t *testing.T) {
	dir := t.TempDir()
	testProblems(t, dir, []problem{
		{"number out of range", "", "", "inbound", "10001", `inbound: "10001": want a number from 0 to 10000 (flag --inbound)`},
		{"negative number", "", "", "target", "-1", `target: "-1": want a number from 0 to 10000 (flag --target)`},
		{"no number", "", "", "networkPort", "http", `port: "http": want a number from 0 to 65535 (flag --networkPort)`},
		{"duration without unit", "", "", "round-time", "15", `round-time: "15": want 0 or a duration from 1s to 8760h (flag --round-time)`},
		{"size", "", "", "outbox", "1KiB", `outbox: "1KiB": want bytes from 64KiB to 1GiB (flag --outbox)`},
		{"size that overflows", "", "", "outbox", "9999999999GiB", `outbox: "9999999999GiB": want bytes from 64KiB to 1GiB (flag --outbox)`},
		{"network", "", "", "network", "moon", `network: "moon": want MAIN, TEST, LOCAL or CUSTOM (flag --network)`},
		{"dialect", "", "", "dialect", "factom/8", `want factom/11, factom/10, factom/9, factom, soter, bitcoin, cometbft, tendermint2014 or tendermint2014/december (flag --dialect)`},
		{"custom without a name", "", "", "network", "custom", `custom-network: "": want a name, because network is CUSTOM (default)`},
		{"peer without port", "", "", "peers", "1.2.3.4", `peers: "1.2.3.4": want addresses host:port`},
		{"peer that is nowhere", "", "", "peers", "0.0.0.0:1", `peers: "0.0.0.0:1": want addresses host:port`},
		{"metrics for everybody", "", "", "metrics", "0.0.0.0:9000", `metrics: "0.0.0.0:9000": want a port, or a loopback IP:port (flag --metrics)`},
		{"seed by another scheme", "", "", "seed-url", "ftp://x/", `seed-url: "ftp://x/": want a URL with http or https (flag --seed-url)`},
		{"seed with a password", "", "", "seed-url", "http://u:p@x/", `want a URL with http or https (flag --seed-url)`},
		{"over max", "a.toml", "max = 10\ninbound = 11\n", "", "", `inbound: "11": want at most max, 10 (` + dir + `/a.toml:2)`},
		{"value in TOML", "b.toml", "\ninbound = 1.5\n", "", "", "b.toml: line 2: inbound: want text, a number"},
		{"unknown key in TOML", "c.toml", "inbound = 1\n\n[deep]\nx.y = 1\n\n[deep.er]\nz = 2\n", "", "", "c.toml: line 3: deep: unknown table"},
		{"unknown keys in TOML", "d.toml", "inbuond = 1\n# x\n\"wrong = \" = 2\nInbound = 2\n", "", "", "d.toml: line 1: unknown key \"inbuond\"\nline 3: unknown key \"wrong = \"\nline 4: unknown key \"Inbound\""},
		{"one key in two spellings", "e.toml", "seed_url = \"http://a/\"\nseed-url = \"http://b/\"\n", "", "", "e.toml: line 2: seed-url was set in line 1"},
		{"TOML syntax", "f.toml", "inbound = 1\ninbound 2\n", "", "", "f.toml: line 2: "},
		{"list in TOML", "g.toml", "peers = [\"1.2.3.4:5\", 6]\n", "", "", "g.toml: line 1: peers: entry 2 of the list: want one address as text"},
		{"INI syntax", "h.conf", "[app]\ninbound\n", "", "", `h.conf: line 2: "inbound": want key = value`},
		{"INI section", "i.conf", "[app\n", "", "", `i.conf: line 1: "[app": want [section]`},
		{"INI quotes", "j.conf", "network = \"MAIN\n", "", "", "j.conf: line 1: network: no closing quote"},
		{"INI after quotes", "k.conf", "network = \"MAIN\" x\n", "", "", `k.conf: line 1: network: "x" after the closing quote`},
		{"value in INI", "l.conf", "; x\nMainNetworkPort =\n", "", "", `main-network-port: "": want a number from 1 to 65535 (` + dir + `/l.conf:2)`},
		{"a huge file", "m.conf", strings.Repeat("\n", maxFile+1), "", "", "m.conf: over the limit of 1048576 bytes"},
		{"long socket path", "", "", "socket", "/" + strings.Repeat("x", 101), "want a path of at most 100 bytes (flag --socket)"},
		{"no such flag", "", "", "main-network-port", "1", "flag --main-network-port is no setting"},
	})
}

// problem is a file or a flag that is wrong, and what the error says.
type problem struct{ name, file, text, flag, value, want string }

func testProblems(t *testing.T, dir string, ps []problem) {
	for _, tt := range ps {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Env: home}
			if tt.file != "" {
				o.File = filepath.Join(dir, tt.file)
				if err := os.WriteFile(o.File, []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tt.flag != "" {
				o.Flags = []Given{{tt.flag, tt.value}}
			}
			_, err := Load(o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %s", err, tt.want)
			}
		})
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	_, err := Load(Options{Env: append(home, "PARLEY_INBOUND=x"), Flags: []Given{{"target", "y"}}})
	for _, want := range []string{"inbound", "target"} {
		if err == nil || !strings.Contains(err.Error(), want+":") {
			t.Errorf("error is %v, want it to name %s", err, want)
		}
	}
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("error is %T, want an *Error in its tree", err)
	}
}

func TestFileMustExist(t *testing.T) {
	_, err := Load(Options{Env: home, File: "/nonexistent/parley.toml"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one of a file that does not exist", err)
	}
}

func TestWarnings(t *testing.T) {
	ini := write(t, "factomd.conf", "[app]\nPortNumber = 8088\nInbound=1\ninbound=2\n[Walletd]\nnonsense\n")
	s := load(t, Options{File: ini, Env: []string{"PARLEY_INBUOND=1", "PARLEY_TARGET=3"}})
	want := []string{
		ini + ":2: key PortNumber is no setting",
		ini + ":4: inbound overrides line 3",
		ini + ": section [Walletd] is not read",
		"environment variable PARLEY_INBUOND is no setting",
	}
	if !slices.Equal(s.Warnings, want) || s.Inbound != 2 || s.Target != 3 {
		t.Errorf("warnings are %q, want %q", s.Warnings, want)
	}
}

func TestDurationsAndSizes(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 15 * time.Minute: "15m", 24 * time.Hour: "24h", 90 * time.Second: "1m30s", 300 * time.Millisecond: "300ms",
	} {
		if got := formatSpan(d); got != want {
			t.Errorf("formatSpan(%d) = %s, want %s", d, got, want)
		}
	}
	for _, tt := range []struct {
		in   string
		want int
		out  string
	}{{"8MiB", 8 << 20, "8MiB"}, {"1 kB", 1000, "1000"}, {"65536", 65536, "64KiB"}, {"10B", 10, "10"}} {
		n, err := parseSize(tt.in)
		if err != nil || n != tt.want || formatSize(n) != tt.out {
			t.Errorf("%s is %d and written %s, want %d and %s", tt.in, n, formatSize(n), tt.want, tt.out)
		}
	}
}
