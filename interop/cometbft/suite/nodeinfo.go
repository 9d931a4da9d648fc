package suite

import (
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"

	"parley/fault"
	"parley/interop/cometbft/real"
)

// matrixFile is what was recorded of 0.38; 1.0 gives the same but for names of
// versions in texts.
const matrixFile = "comet-nodeinfo-v0.38.26.json.gz"

// changes are what is different in each of the recorded cases.
var changes = map[string]func(*p2p.DefaultNodeInfo){
	"unchanged":        func(*p2p.DefaultNodeInfo) {},
	"P2P version 0":    func(n *p2p.DefaultNodeInfo) { n.ProtocolVersion.P2P = 0 },
	"P2P version 99":   func(n *p2p.DefaultNodeInfo) { n.ProtocolVersion.P2P = 99 },
	"Block version 10": func(n *p2p.DefaultNodeInfo) { n.ProtocolVersion.Block = 10 },
	"App version 99":   func(n *p2p.DefaultNodeInfo) { n.ProtocolVersion.App = 99 },
	"network differs":  func(n *p2p.DefaultNodeInfo) { n.Network = "other" },
	"version empty":    func(n *p2p.DefaultNodeInfo) { n.Version = "" },
	"version with tab": func(n *p2p.DefaultNodeInfo) { n.Version = "1\t2" },
	"version blanks":   func(n *p2p.DefaultNodeInfo) { n.Version = "   " },
	"16 channels":      func(n *p2p.DefaultNodeInfo) { n.Channels = some(16) },
	"17 channels":      func(n *p2p.DefaultNodeInfo) { n.Channels = some(17) },
	"duplicate channel": func(n *p2p.DefaultNodeInfo) {
		n.Channels = append([]byte{n.Channels[0]}, n.Channels...)
	},
	"no channels":         func(n *p2p.DefaultNodeInfo) { n.Channels = nil },
	"no common channel":   func(n *p2p.DefaultNodeInfo) { n.Channels = []byte{0xf0} },
	"only PEX in common":  func(n *p2p.DefaultNodeInfo) { n.Channels = []byte{0x00, 0xf0} },
	"moniker empty":       func(n *p2p.DefaultNodeInfo) { n.Moniker = "" },
	"moniker non-ASCII":   func(n *p2p.DefaultNodeInfo) { n.Moniker = "nœud" },
	"tx_index yes":        func(n *p2p.DefaultNodeInfo) { n.Other.TxIndex = "yes" },
	"rpc address blanks":  func(n *p2p.DefaultNodeInfo) { n.Other.RPCAddress = "  " },
	"listen addr empty":   func(n *p2p.DefaultNodeInfo) { n.ListenAddr = "" },
	"listen addr no port": func(n *p2p.DefaultNodeInfo) { n.ListenAddr = "203.0.113.7" },
	"listen addr 0.0.0.0": func(n *p2p.DefaultNodeInfo) { n.ListenAddr = "tcp://0.0.0.0:26656" },
	"listen addr port 0":  func(n *p2p.DefaultNodeInfo) { n.ListenAddr = "tcp://203.0.113.7:0" },
	unresolvable:          func(n *p2p.DefaultNodeInfo) { n.ListenAddr = "tcp://no.such.host.invalid:26656" },
	"id upper case":       func(n *p2p.DefaultNodeInfo) { n.DefaultNodeID = p2p.ID(strings.ToUpper(string(n.DefaultNodeID))) },
	"id 19 bytes":         func(n *p2p.DefaultNodeInfo) { n.DefaultNodeID = n.DefaultNodeID[2:] },
	"of another identity": func(n *p2p.DefaultNodeInfo) { n.DefaultNodeID = p2p.ID(identity(stranger)) },
}

// unresolvable is the case that theirs refuses, after it has asked name servers on
// behalf of whoever connects. We never ask, and so have nothing against it.
const unresolvable = "listen addr unresolvable host"

// some returns n channels, that of peer exchange among them.
func some(n int) (ids []byte) {
	for i := range n {
		ids = append(ids, byte(i))
	}
	return ids
}

// verdicts returns for each recorded case whether theirs accepted it, and for those
// that only a whole handshake shows, whether theirs does.
func verdicts(t *testing.T, vectors fs.FS) map[string]bool {
	t.Helper()
	f, err := vectors.Open(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Frames []struct{ Dir, Meaning string }
	}
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		t.Fatal(err)
	}
	accept := map[string]bool{"of another identity": false}
	for _, f := range file.Frames {
		if name, said, ok := strings.Cut(f.Meaning, ": Validate()="); ok && f.Dir == "in" {
			accept[name] = said == "<nil>; ours.CompatibleWith(theirs)=<nil>"
		}
	}
	// By itself it is valid; that it is not the key's own name the handshake finds.
	accept["id upper case"] = false
	return accept
}

// nodeInfo plays every recorded case, with theirs introducing itself so, in both
// roles.
func nodeInfo(t *testing.T, vectors fs.FS) {
	accept := verdicts(t, vectors)
	if len(accept) != len(changes) {
		t.Errorf("%d cases are recorded, %d are played", len(accept), len(changes))
	}
	us := start(t, ourKey, nil, nil)
	id := firstCase
	for name, want := range accept {
		id++ // nobody else's, so that no other case is in the way
		if changes[name] == nil {
			t.Errorf("%q is recorded and not played", name)
			continue
		}
		t.Run(name, func(t *testing.T) { judge(t, us, id, name, want) })
	}
}

func judge(t *testing.T, us *ours, id int, name string, want bool) {
	s := theirs(t, id, func(c *real.Config) { c.Info, c.PEX = changes[name], true })
	info := s.Info()
	if name == unresolvable {
		want = true
	} else if told := info.Validate() == nil && introduced(us).CompatibleWith(info) == nil && string(info.ID()) == s.ID(); told != want {
		t.Fatalf("recorded is accepted %v, but theirs says %v", want, told)
	}
	l, err := us.dial(t, s.Address())
	switch {
	case want && err != nil:
		t.Errorf("we dial and refuse: %v", err)
	case want:
		l.Close(nil)
		us.down(t, s.ID())
		find(t, s.Events, "they have noticed", isDown)
		forgotten(t, s, us.dialect.ID())
	case err == nil:
		t.Error("we dial and accept")
	case fault.KindOf(err) != fault.Protocol && fault.KindOf(err) != fault.Refused:
		t.Errorf("we dial and refuse for the wrong reason: %v", err)
	}
	if err := s.Dial(us.address()); (err == nil) != want {
		t.Errorf("they dial: %v, want accepted %v", err, want)
	}
}

// forgotten waits until a switch has no peer of an identity. It tells its reactors that
// one has gone before it lets go of it, and does not dial it until then.
func forgotten(t *testing.T, s *real.Switch, id string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	find(t, tick.C, "they let go of us", func(time.Time) bool { return s.Peer(id) == nil })
}

// introduced returns what theirs would say in our place.
func introduced(us *ours) p2p.DefaultNodeInfo {
	return p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(8, 11, 0), DefaultNodeID: p2p.ID(us.dialect.ID()),
		ListenAddr: "tcp://" + us.Listening()[0].String(), Network: chain, Version: "1", Moniker: "parley",
		Channels: append([]byte{0}, channels...),
	}
}
