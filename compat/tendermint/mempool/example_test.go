package mempool

import (
	"fmt"
	"strings"

	p2p "parley/compat/tendermint"
	"parley/compat/tendermint/mempool/blocks"
)

// logger is what the program of 2014 logged with.
type logger struct{ received chan string }

func (l logger) Info(format string, args ...interface{}) {
	if text := fmt.Sprintf(format, args...); strings.Contains(text, "received") {
		l.received <- text
	}
}

func (l logger) Warning(format string, args ...interface{}) { fmt.Printf(format+"\n", args...) }

var log = logger{make(chan string)}

// The MempoolAgent of the p2p module's README, as it was but for its import paths,
// on two nodes that one connection joins.
func Example() {
	node := func() (*p2p.Switch, *MempoolAgent) {
		sw := p2p.NewSwitch([]*p2p.ChannelDescriptor{{Id: MempoolCh, DefaultPriority: 5}})
		memA := NewMempoolAgent(sw)
		sw.Start()
		memA.Start()
		return sw, memA
	}
	here, agent := node()
	there, agentThere := node()

	l := p2p.NewDefaultListener("tcp", "127.0.0.1:0")
	accepted := make(chan error)
	go func() {
		_, err := there.AddPeerWithConnection(<-l.Connections(), false)
		accepted <- err
	}()
	peer, err := here.DialPeerWithAddress(l.ExternalAddress())
	fmt.Println(err, <-accepted, peer.IsOutbound())

	ok, failed := here.Broadcast(MempoolCh, &TxMessage{blocks.Tx{To: "alice", Amount: 7}})
	fmt.Println(ok, failed)
	fmt.Println(<-log.received)

	l.Stop()
	here.Stop()
	there.Stop()
	agent.Stop()
	agentThere.Stop()
	// Output:
	// <nil> <nil> true
	// 1 0
	// gossipMempoolRoutine received [TxMessage 7 to alice]
}
