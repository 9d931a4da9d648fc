package p2p

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect/factom"
	"parley/transport/mem"
)

// local returns the configuration of a node on loopback that can have many
// neighbors there and keeps quiet otherwise.
func local(version uint16) Configuration {
	c := DefaultP2PConfiguration()
	c.Network = NewNetworkID("test")
	c.BindIP = "127.0.0.1"
	c.ListenPort = "0"
	c.ListenLimit = 0
	c.ProtocolVersion = version
	c.EnablePrometheus = false
	c.RoundTime = time.Hour
	c.RedialInterval = 200 * time.Millisecond
	c.HandshakeTimeout, c.DialTimeout = patienceOf, patienceOf // however busy the machine is
	return c
}

// start runs a network until the test is over.
func start(t testing.TB, c Configuration) *Network {
	t.Helper()
	n, err := NewNetwork(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Stop() })
	return n
}

// at returns where a network listens.
func at(n *Network) string { return n.node.Listening()[0].String() }

// numbered gives a configuration a node id of its own.
func numbered(c Configuration, id int) Configuration {
	c.NodeID = uint32(id)
	c.NodeName = "node " + strconv.Itoa(id)
	return c
}

// patienceOf is how long a test waits for what must happen, far more than it
// takes.
const patienceOf = 3 * time.Minute

// eventually waits until ok, which a network is to make true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patienceOf)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// pair links two new networks; the second dials the first as a special peer.
func pair(t testing.TB, a, b Configuration) (na, nb *Network) {
	t.Helper()
	na = start(t, a)
	b.Special = at(na)
	nb = start(t, b)
	eventually(t, "the two are connected", func() bool { return na.Total() == 1 && nb.Total() == 1 })
	return na, nb
}

// only returns a network's one peer.
func only(t testing.TB, n *Network) *Peer {
	t.Helper()
	all := n.peers.Slice()
	if len(all) != 1 {
		t.Fatalf("%d peers, want 1", len(all))
	}
	return all[0]
}

// next returns the next parcel that arrives.
func next(t testing.TB, n *Network) *Parcel {
	t.Helper()
	select {
	case p, ok := <-n.Reader():
		if !ok {
			t.Fatal("the reader is closed")
		}
		return p
	case <-time.After(patienceOf):
		t.Fatal("no parcel arrives")
	}
	return nil
}

// none checks that no parcel has arrived. What was sent before it must have got
// there by other signs.
func none(t testing.TB, n *Network) {
	t.Helper()
	select {
	case p := <-n.Reader():
		t.Errorf("%s arrived from %s", p, p.Address)
	default:
	}
}

// dialRaw connects to a network without saying anything.
func dialRaw(t testing.TB, n *Network) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at(n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patienceOf))
	return c
}

// write makes a file and returns its path.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// virtual runs the i-th network of an in-memory one, for tests in virtual time.
// It listens at place(i).
func virtual(t testing.TB, netw *mem.Network, i int, c Configuration) *Network {
	t.Helper()
	n := unrun(t, netw, i, c)
	if err := n.Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Stop() })
	return n
}

func unrun(t testing.TB, netw *mem.Network, i int, c Configuration) *Network {
	t.Helper()
	here, err := addr.Parse(place(i))
	if err != nil {
		t.Fatal(err)
	}
	c.BindIP, c.ListenPort = here.HostText(), "8108"
	n, err := NewNetwork(numbered(c, i))
	if err != nil {
		t.Fatal(err)
	}
	n.wire.tcp = netw.From(here)
	return n
}

func place(i int) string { return fmt.Sprintf("10.0.%d.%d:8108", i>>8, i&255) }

// visitor is a peer that a test plays by hand.
type visitor struct {
	Protocol
	conn net.Conn
	hash string // what the other side calls it
}

// visit connects to a network from a port, as a node with an id.
func visit(t testing.TB, n *Network, version uint16, port string, id int) *visitor {
	t.Helper()
	return meet(t, dialRaw(t, n), n, version, port, id)
}

// meet introduces a visitor on a connection and waits until it is a peer.
func meet(t testing.TB, c net.Conn, n *Network, version uint16, port string, id int) *visitor {
	t.Helper()
	conf := Configuration{Network: n.conf.Network, NodeID: uint32(id), ListenPort: port}
	p, err := NewProtocol(version, &conf, c)
	if err != nil {
		t.Fatal(err)
	}
	introduce(t, p, &conf, uint64(id)+1000)
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{p, c, factom.PeerHash(host, port, uint32(id))}
	eventually(t, v.hash+" is a peer", func() bool { return n.peers.Get(v.hash) != nil })
	return v
}

// message returns the next application parcel, or what ended the connection.
func (v *visitor) message() (*Parcel, error) {
	for {
		p, err := v.Receive()
		if err != nil || p.IsApplicationMessage() {
			return p, err
		}
	}
}
