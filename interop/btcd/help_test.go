package btcd

import (
	"io"
	"net"
	"testing"
	"time"

	theirparams "github.com/btcsuite/btcd/chaincfg/v2"
	theirpeer "github.com/btcsuite/btcd/peer"
	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// patience is how long tests wait for what must happen.
const patience = time.Minute

func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// connection returns both ends of a TCP connection.
func connection(t testing.TB) (dialer, listener net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if dialer, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if listener, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return dialer, listener
}

// ourConfig returns a configuration on the network that both have.
func ourConfig(l peer.MessageListeners) *peer.Config {
	return &peer.Config{
		UserAgentName: "parley", UserAgentVersion: "0.1.0",
		ChainParams: &chaincfg.BitcoinSimNetParams,
		Services:    wire.SFNodeNetwork | wire.SFNodeWitness | wire.SFNodeBloom,
		Listeners:   l,
	}
}

func theirConfig(l theirpeer.MessageListeners) *theirpeer.Config {
	return &theirpeer.Config{
		UserAgentName: "btcd", UserAgentVersion: "0.26.2",
		ChainParams: &theirparams.SimNetParams,
		Services:    theirwire.SFNodeNetwork | theirwire.SFNodeWitness,
		Listeners:   l, AllowSelfConns: true,
	}
}

// pair is a peer of ours and one of btcd's that are connected.
type pair struct {
	ours   *peer.Peer
	theirs *theirpeer.Peer
}

// meet connects a peer of ours with one of btcd's; both have the other's verack when it
// returns.
func meet(t testing.TB, dialing bool, ourCfg *peer.Config, theirCfg *theirpeer.Config) pair {
	t.Helper()
	veracks := make(chan struct{}, 2)
	ourCfg.Listeners.OnVerAck = func(*peer.Peer, *wire.MsgVerAck) { veracks <- struct{}{} }
	theirCfg.Listeners.OnVerAck = func(*theirpeer.Peer, *theirwire.MsgVerAck) { veracks <- struct{}{} }
	dialer, listener := connection(t)
	var p pair
	var err error
	ourConn, theirConn := dialer, listener
	if dialing {
		p.ours, err = peer.NewOutboundPeer(ourCfg, listener.LocalAddr().String())
		p.theirs = theirpeer.NewInboundPeer(theirCfg)
	} else {
		p.ours = peer.NewInboundPeer(ourCfg)
		p.theirs, err = theirpeer.NewOutboundPeer(theirCfg, listener.LocalAddr().String())
		ourConn, theirConn = listener, dialer
	}
	if err != nil {
		t.Fatal(err)
	}
	p.ours.AssociateConnection(ourConn)
	p.theirs.AssociateConnection(theirConn)
	await(t, "first verack", veracks)
	await(t, "second verack", veracks)
	t.Cleanup(func() {
		p.ours.Disconnect()
		p.theirs.Disconnect()
		p.ours.WaitForDisconnect()
		p.theirs.WaitForDisconnect()
	})
	return p
}

// bothRoles runs a test with our peer dialing, and with btcd's.
func bothRoles(t *testing.T, f func(t *testing.T, dialing bool)) {
	t.Run("we dial", func(t *testing.T) { f(t, true) })
	t.Run("btcd dials", func(t *testing.T) { f(t, false) })
}

// badTx is a transaction of btcd's that ends too soon.
type badTx struct{ theirwire.MsgTx }

// BtcEncode writes what no decoder takes.
func (badTx) BtcEncode(w io.Writer, _ uint32, _ theirwire.MessageEncoding) error {
	_, err := w.Write([]byte{1, 0, 0, 0, 1})
	return err
}

// Command says that it is a transaction.
func (badTx) Command() string { return theirwire.CmdTx }

// MaxPayloadLength leaves room for it.
func (badTx) MaxPayloadLength(uint32) uint32 { return 100 }

// BtcDecode reads nothing.
func (badTx) BtcDecode(io.Reader, uint32, theirwire.MessageEncoding) error { return nil }
