// Package p2p is a drop-in for the p2p module of Tendermint on the Parley engine,
// for both who wrote programs for it in 2014 and who write reactors for CometBFT.
//
// # Agents
//
// A program of September 2014 changes its import path:
//
//	sw := p2p.NewSwitch([]*p2p.ChannelDescriptor{{Id: 0x30}})
//	sw.AddEventListener("MempoolAgent.swEvents", events)
//	sw.Start()
//	inMsg, ok := sw.Receive(0x30)
//	sw.Broadcast(0x30, msg)
//
// The README's MempoolAgent is the example of package mempool.
//
// # Reactors
//
// Reactors have the shape that CometBFT's have, with bytes where those have protobuf
// messages: [Switch.AddReactor], [BaseReactor], [Envelope]. Methods that have other
// parameters there go by the names that CometBFT 0.34 to 0.36 gave them beside the
// old ones: [Peer.SendEnvelope], [Switch.BroadcastEnvelope]. Both kinds may share a
// [Switch], on channels of their own.
//
// [NewSwitchConfig] makes a Switch that listens, dials and keeps to limits itself,
// and speaks CometBFT's protocol or one of 2014.
//
// # What is promised
//
// Nobody waits for somebody else's reader. Each peer has a bounded queue on each
// channel, in both directions. A reactor or agent that sleeps for a minute delays
// its own channel alone, and pings are answered all the while; what goes beyond a
// queue is dropped and counted, or what [Overflow] says. An event listener that
// does not read is told later. Under load channels share a connection by priority.
//
// What is otherwise than in the originals is in docs/tendermint.md.
package p2p
