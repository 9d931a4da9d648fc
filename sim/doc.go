// Package sim runs many nodes in one goroutine under virtual time.
//
// A simulated node is a real core.Node with a real dialect and real route
// pickers; only the connections, the clock and the dice are the simulator's.
// What a [World] does is decided by its seed and by the calls made to it: one
// seed gives one run, down to the order of every byte, in any process.
//
//	w := sim.NewWorld(1)
//	defer w.Close()
//	a := w.Add(at1, d, core.Config{})
//	b := w.Add(at2, d, core.Config{}, at1) // knows where a is
//	err := w.Run(10 * time.Second)
//
// # Fidelity
//
// With [WholeWire], the default, every byte goes through the dialect's codecs.
// With [Messages], the opening exchange and what the dialect's rules send do,
// while application messages pass as values; see [Mode].
//
// # Connections
//
// Bytes of a connection arrive in order and after a delay, as those of TCP do.
// Each direction writes one message after another at the speed of its [Path];
// what cannot be written yet waits in an outbox of limited size. Losing a
// segment delays what follows. A node that does not read, because of
// [World.Stall], lets [Window] bytes come near and then blocks the writers of
// its peers; a cut through the network ([World.Split]) does the same until it
// heals. Setting up a connection takes a round trip.
//
// # Time
//
// Virtual time passes only in [World.Run] and [World.RunUntil], from event to
// event. Handling an event takes no time: nodes compute infinitely fast.
//
// Nothing in this package is safe for concurrent use.
package sim
