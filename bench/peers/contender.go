package main

import (
	"fmt"
	"runtime/debug"

	"parley/bench/load"
)

// work is what some do in turn.
type work struct {
	name string
	size int  // bytes of a message
	fan  bool // to many receivers
	base func(size int) (pipe, error)
	all  []contender
}

// contender is one way to do a work.
type contender struct {
	name   string
	module string // whose version is shown
	sealed bool   // encrypted; compared with our sealed dialect
	ours   bool   // what others of the same kind are compared with
	slow   string // what happens to what a receiver is too slow for
	open   func(size int) (pipe, error)
}

// The modules that are measured.
const (
	us         = "parley"
	btcdModule = "github.com/btcsuite/btcd"
	cometbft   = "github.com/cometbft/cometbft"
	geth       = "github.com/ethereum/go-ethereum"
	libp2pHost = "github.com/libp2p/go-libp2p"
	gossipsub  = "github.com/libp2p/go-libp2p-pubsub"
	grpcModule = "google.golang.org/grpc"
	natsServer = "github.com/nats-io/nats-server/v2"
	membership = "github.com/hashicorp/memberlist"
)

// What a library does when a receiver is slow.
const (
	blocks  = "sender blocks"
	grows   = "queue without limit; window"
	refuses = "refused and counted; window"
	hangsUp = "server hangs up; window"
	drops   = "dropped; window"
)

// works returns all that is measured, in the order of the table.
func works() []work {
	var all []work
	for _, size := range []int{32, 1 << 10, 64 << 10} {
		w := work{fmt.Sprintf("one way, %d B", size), size, false, bareStream, oneWay()}
		if size == 1<<10 {
			w.all = append(w.all, contender{"memberlist, reliable", membership, false, false, "sender blocks; window", members})
		}
		all = append(all, w)
	}
	return append(all, work{fmt.Sprintf("1 to %d, 1024 B", fanPeers), 1 << 10, true, bareFan, fanOut()})
}

// oneWay returns what sends through one connection.
func oneWay() []contender {
	return []contender{
		{"Parley, Factom V11", us, false, true, blocks, ours(factom11)},
		{"Parley, Soter", us, false, false, blocks, ours(load.Soter)},
		{"Parley, CometBFT", us, true, true, blocks, ours(load.CometBFT)},
		{"btcd peer", btcdModule, false, false, grows, btcd(1)},
		{"CometBFT MConnection, unsealed", cometbft, false, false, blocks, comet(1, false)},
		{"CometBFT MConnection", cometbft, true, false, blocks, comet(1, true)},
		{"go-ethereum RLPx", geth, true, false, blocks, ethereum(1)},
		{"go-libp2p stream", libp2pHost, true, false, blocks, streams(1, false)},
		{"go-libp2p stream, 64 KiB buffer", libp2pHost, true, false, blocks, streams(1, true)},
		{"grpc-go stream", grpcModule, false, false, blocks, remote(1)},
		{"NATS, by its server", natsServer, false, false, hangsUp, broker(1)},
	}
}

// fanOut returns what sends the same to many. Where a library has nothing for that,
// its sender goes through the connections.
func fanOut() []contender {
	return []contender{
		{"Parley, Factom V11", us, false, true, refuses, oursFan(plainNode)},
		{"Parley, CometBFT", us, true, true, refuses, oursFan(sealedNode)},
		{"NATS, by its server", natsServer, false, false, hangsUp, broker(fanPeers)},
		{"gossipsub, unsigned", gossipsub, true, false, drops, gossip(fanPeers, false)},
		{"gossipsub, signed", gossipsub, true, false, drops, gossip(fanPeers, true)},
		{"go-libp2p streams", libp2pHost, true, false, blocks, streams(fanPeers, false)},
		{"go-libp2p streams, 64 KiB buffers", libp2pHost, true, false, blocks, streams(fanPeers, true)},
		{"grpc-go streams", grpcModule, false, false, blocks, remote(fanPeers)},
		{"btcd peers", btcdModule, false, false, grows, btcd(fanPeers)},
		{"CometBFT MConnections", cometbft, true, false, blocks, comet(fanPeers, true)},
		{"go-ethereum RLPx", geth, true, false, blocks, ethereum(fanPeers)},
	}
}

// version returns the version of a module that is built in.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path == module && d.Replace != nil {
			return "this tree"
		}
		if d.Path == module {
			return d.Version
		}
	}
	return "unknown"
}
