// Package p2p is a drop-in for github.com/FactomProject/factom-p2p, version
// 1.13, on the Parley engine: the same names, channels, files and bytes on the
// wire.
//
//	config := p2p.DefaultP2PConfiguration()
//	config.Network = p2p.NewNetworkID("myNetwork")
//	config.SeedURL = "http://url/of/seed/file.txt"
//	network, err := p2p.NewNetwork(config)
//	…
//	err = network.Run()
//	network.BlockingSend(p2p.NewParcel(p2p.Broadcast, payload))
//	for parcel := range network.Reader() { … }
//
// What it does otherwise than the original, and why, is in docs/factom.md.
//
// # Loss
//
// Nothing that [Network.BlockingSend] sends is lost between two nodes that stay
// connected: it waits for room, and an application that does not read holds up
// its peers instead of losing their parcels. [Network.Send] never waits; what it
// drops is counted.
//
// # What the wire makes impossible
//
// Versions 9 to 11 prove and encrypt nothing. Node id, port and with them the
// hash of a peer are claims, and whoever is on the path reads and changes
// everything. Do not send secrets to a hash, and sign what matters. The
// engine limits the harm: a second connection that claims the hash of a live
// peer does not replace it; peers are dialed in many networks, not many in one
// address range; those of the last run are dialed first after a restart, so that
// a restart is no chance to surround a node; addresses told by peers are spread
// over buckets by who told them; limits count peers when they introduce
// themselves, not when they connect; and peers that break the rules are blamed
// and banned for a day.
package p2p
