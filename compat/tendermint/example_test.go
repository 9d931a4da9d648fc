package p2p_test

import (
	"crypto/rand"
	"fmt"

	p2p "parley/compat/tendermint"
	"parley/dialect/tendermint"
)

// echo is a reactor that sends back what it receives.
type echo struct {
	*p2p.BaseReactor
	got chan string
}

func (echo) GetChannels() []*p2p.ChannelDescriptor {
	return []*p2p.ChannelDescriptor{{Id: 0x77, DefaultPriority: 5, MaxMessage: 1 << 20}}
}

func (e echo) AddPeer(peer *p2p.Peer) {
	if peer.IsOutbound() {
		peer.SendEnvelope(p2p.Envelope{ChannelID: 0x77, Message: []byte("hello")})
	}
}

func (e echo) Receive(in p2p.Envelope) {
	if !in.Src.IsOutbound() {
		in.Src.SendEnvelope(in)
		return
	}
	e.got <- string(in.Message)
}

// Two nodes of one chain, with a reactor of the shape that CometBFT's have.
func Example() {
	got := make(chan string)
	node := func(persistent ...string) *p2p.Switch {
		key, err := tendermint.NewKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		sw, err := p2p.NewSwitchConfig(p2p.Config{
			Protocol: p2p.CometBFT, Key: key, Network: "my-chain",
			Listen: []string{"tcp://127.0.0.1:0"}, PersistentPeers: persistent,
		})
		if err != nil {
			panic(err)
		}
		r := echo{got: got}
		r.BaseReactor = p2p.NewBaseReactor("echo", r)
		sw.AddReactor("echo", r)
		if err := sw.Start(); err != nil {
			panic(err)
		}
		return sw
	}
	here := node()
	defer here.Stop()
	there := node(here.Listening()[0].String()) // id@ip:port
	defer there.Stop()
	fmt.Println(<-got)
	// Output: hello
}
