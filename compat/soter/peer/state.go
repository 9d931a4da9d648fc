package peer

import (
	"fmt"
	"net"
	"time"

	"parley/addr"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
)

// StatsSnap is what a peer was like at one moment.
type StatsSnap struct {
	ID             int32
	Addr           string
	Services       wire.ServiceFlag // of the remote
	LastSend       time.Time        // in whole seconds, as all times here
	LastRecv       time.Time
	BytesSent      uint64
	BytesRecv      uint64
	ConnTime       time.Time
	TimeOffset     int64  // remote clock less ours, in seconds
	Version        uint32 // newest that the remote speaks, not the negotiated one
	UserAgent      string
	Inbound        bool
	StartingHeight int32
	LastBlock      int32
	LastPingNonce  uint64
	LastPingTime   time.Time
	LastPingMicros int64
}

// set changes the state.
func (p *Peer) set(f func(s *state)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.state)
}

// get returns a part of the state.
func get[T any](p *Peer, f func(s *state) T) T {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return f(&p.state)
}

// stamp returns the time as counters hold it.
func (p *Peer) stamp() int64 { return max(1, int64(time.Since(p.epoch))) }

// sent counts bytes that were written.
func (p *Peer) sent(n int) {
	if n > 0 {
		p.bytesSent.Add(uint64(n))
		p.lastSend.Store(p.stamp())
	}
}

// received counts bytes that were read.
func (p *Peer) received(n int) { p.bytesReceived.Add(uint64(n)) }

// stampRecv notes that a message arrived.
func (p *Peer) stampRecv() { p.lastRecv.Store(p.stamp()) }

// stamps returns when the last message came in and the last bytes went out, or when
// the connection was made if there were none.
func (p *Peer) stamps(now time.Time) (in, out time.Time) {
	since := get(p, func(s *state) time.Time { return s.since })
	in, out = since, since
	if n := p.lastRecv.Load(); n > 0 {
		in = p.epoch.Add(time.Duration(n))
	}
	if n := p.lastSend.Load(); n > 0 {
		out = p.epoch.Add(time.Duration(n))
	}
	return in, out
}

// seconds returns a stamp as the getters do.
func (p *Peer) seconds(stamp int64) time.Time {
	if stamp == 0 {
		return time.Unix(0, 0)
	}
	return time.Unix(p.epoch.Add(time.Duration(stamp)).Unix(), 0)
}

// pinged notes that a ping is about to be written.
func (p *Peer) pinged(nonce uint64) {
	if p.pver() > wire.BIP0031Version {
		p.set(func(s *state) { s.pingNonce, s.pingTime = nonce, time.Now() })
	}
}

// ponged notes the answer to a ping.
func (p *Peer) ponged(nonce uint64) {
	p.set(func(s *state) {
		if s.pingNonce != 0 && s.pingNonce == nonce {
			s.pingMicros = time.Since(s.pingTime).Microseconds()
			s.pingNonce = 0
		}
	})
}

// pver returns the protocol version that is spoken.
func (p *Peer) pver() uint32 { return get(p, func(s *state) uint32 { return s.negotiated }) }

// local reports whether an address is on this machine.
func local(text string) bool {
	a, _ := addr.Parse(text)
	return a.IP.IsLoopback() || a.Host == "localhost"
}

// StatsSnapshot returns what the peer is like now, all of one moment but for the
// counters of bytes.
func (p *Peer) StatsSnapshot() *StatsSnap {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := &p.state
	return &StatsSnap{
		ID: s.id, Addr: s.addr, Services: s.services,
		LastSend: p.LastSend(), LastRecv: p.LastRecv(),
		BytesSent: p.BytesSent(), BytesRecv: p.BytesReceived(),
		ConnTime: s.since, TimeOffset: s.timeOffset,
		Version: s.advertised, UserAgent: s.agent, Inbound: p.inbound,
		StartingHeight: s.startingHeight, LastBlock: s.maxHeight,
		LastPingNonce: s.pingNonce, LastPingTime: s.pingTime, LastPingMicros: s.pingMicros,
	}
}

// String returns the remote's address and the direction of the connection.
func (p *Peer) String() string {
	direction := "outbound"
	if p.inbound {
		direction = "inbound"
	}
	return fmt.Sprintf("%s (%s)", p.Addr(), direction)
}

// ID returns the peer's number among those of this process whose version message was
// received, from 1; 0 before.
func (p *Peer) ID() int32 { return get(p, func(s *state) int32 { return s.id }) }

// Addr returns the remote's address: as it was dialed, or as the connection has it;
// "" for inbound peers without a connection.
func (p *Peer) Addr() string { return get(p, func(s *state) string { return s.addr }) }

// NA returns the remote's address and services; nil for inbound peers without a
// connection. It must not be changed.
func (p *Peer) NA() *wire.NetAddress {
	return get(p, func(s *state) *wire.NetAddress { return s.na })
}

// Inbound reports whether the remote made the connection.
func (p *Peer) Inbound() bool { return p.inbound }

// Connected reports whether the peer has a connection and was not disconnected.
func (p *Peer) Connected() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.state.connected && !p.ended
}

// LocalAddr returns our end of the connection, or nil without one.
func (p *Peer) LocalAddr() net.Addr {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if !p.state.connected {
		return nil
	}
	return p.conn.LocalAddr()
}

// Services returns what the remote offers; before its version message, our own.
func (p *Peer) Services() wire.ServiceFlag {
	return get(p, func(s *state) wire.ServiceFlag { return s.services })
}

// UserAgent returns the remote's.
func (p *Peer) UserAgent() string { return get(p, func(s *state) string { return s.agent }) }

// ProtocolVersion returns the one that is spoken: the older of ours and the
// remote's, or ours as long as that is not known.
func (p *Peer) ProtocolVersion() uint32 { return p.pver() }

// VersionKnown reports whether the remote's version message has arrived.
func (p *Peer) VersionKnown() bool { return get(p, func(s *state) bool { return s.versionKnown }) }

// VerAckReceived reports whether the remote's verack has arrived.
func (p *Peer) VerAckReceived() bool { return get(p, func(s *state) bool { return s.verAck }) }

// WantsAddrV2 reports whether the remote understands addrv2, BIP155: it says so in the
// handshake, on Bitcoin's networks only.
func (p *Peer) WantsAddrV2() bool { return get(p, func(s *state) bool { return s.wantsAddrV2 }) }

// WantsHeaders reports whether the remote asked for headers instead of inventory.
func (p *Peer) WantsHeaders() bool { return get(p, func(s *state) bool { return s.wantsHeaders }) }

// IsWitnessEnabled reports whether the remote has witness data; messages are then
// read with it.
func (p *Peer) IsWitnessEnabled() bool { return get(p, func(s *state) bool { return s.witness }) }

// LastAnnouncedBlock returns what UpdateLastAnnouncedBlock was given, or nil. It must
// not be changed.
func (p *Peer) LastAnnouncedBlock() *chainhash.Hash {
	return get(p, func(s *state) *chainhash.Hash { return s.lastAnnounced })
}

// UpdateLastAnnouncedBlock notes the last block that the remote announced. The hash is
// copied.
func (p *Peer) UpdateLastAnnouncedBlock(blkHash *chainhash.Hash) {
	h := *blkHash
	p.set(func(s *state) { s.lastAnnounced = &h })
}

// MaxBlockHeight returns the height of the remote's newest block, as far as is known.
func (p *Peer) MaxBlockHeight() int32 { return get(p, func(s *state) int32 { return s.maxHeight }) }

// UpdateMaxBlockHeight notes the height of the remote's newest block. It may go down.
func (p *Peer) UpdateMaxBlockHeight(newHeight int32) {
	p.set(func(s *state) { s.maxHeight = newHeight })
}

// StartingHeight returns the height that the remote's version message has.
func (p *Peer) StartingHeight() int32 {
	return get(p, func(s *state) int32 { return s.startingHeight })
}

// TimeOffset returns the remote's clock less ours when its version message arrived,
// in seconds.
func (p *Peer) TimeOffset() int64 { return get(p, func(s *state) int64 { return s.timeOffset }) }

// TimeConnected returns when the peer got its connection; the zero time before.
func (p *Peer) TimeConnected() time.Time {
	return get(p, func(s *state) time.Time { return s.since })
}

// LastSend returns when something was last written, in whole seconds; 1970 for
// never.
func (p *Peer) LastSend() time.Time { return p.seconds(p.lastSend.Load()) }

// LastRecv returns when a message last arrived, in whole seconds; 1970 for never.
func (p *Peer) LastRecv() time.Time { return p.seconds(p.lastRecv.Load()) }

// BytesSent returns how many bytes were written.
func (p *Peer) BytesSent() uint64 { return p.bytesSent.Load() }

// BytesReceived returns how many bytes were read.
func (p *Peer) BytesReceived() uint64 { return p.bytesReceived.Load() }

// LastPingNonce returns the nonce of the ping that waits for its pong, or 0.
func (p *Peer) LastPingNonce() uint64 { return get(p, func(s *state) uint64 { return s.pingNonce }) }

// LastPingTime returns when the last ping was sent.
func (p *Peer) LastPingTime() time.Time {
	return get(p, func(s *state) time.Time { return s.pingTime })
}

// LastPingMicros returns how long the last pong took, in microseconds.
func (p *Peer) LastPingMicros() int64 { return get(p, func(s *state) int64 { return s.pingMicros }) }
