package tendermint

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"parley/addr"
	"parley/fault"
	"parley/wire"
)

const (
	maxNodeInfo = 10_240 // bytes of a node info
	maxChannels = 16     // channels that one may announce
)

// NodeInfo is how a node introduces itself once it has proven its key. That of
// the other side is in [Peer]; nobody may change it.
type NodeInfo struct {
	P2P, Block, App uint64 // protocol versions
	ID              string // the node's identity
	ListenAddr      string // where it says that it listens, as it wrote it
	Network         string // the chain
	Version         string // of the software
	Channels        []byte
	Moniker         string // a name for people
	TxIndex         string // on, off or nothing
	RPCAddress      string
}

// Field numbers of a DefaultNodeInfo and the messages in it.
const (
	fieldVersions   = 1
	fieldID         = 2
	fieldListenAddr = 3
	fieldNetwork    = 4
	fieldVersion    = 5
	fieldChannels   = 6
	fieldMoniker    = 7
	fieldOther      = 8

	fieldP2P   = 1
	fieldBlock = 2
	fieldApp   = 3

	fieldTxIndex    = 1
	fieldRPCAddress = 2
)

// append appends n in wire form, without its length. The messages in it are there
// even if they are empty, as the original has it.
func (n *NodeInfo) append(dst []byte) []byte {
	var m []byte
	m = wire.AppendVarintField(m, fieldP2P, n.P2P)
	m = wire.AppendVarintField(m, fieldBlock, n.Block)
	m = wire.AppendVarintField(m, fieldApp, n.App)
	dst = append(wire.AppendBytesHead(dst, fieldVersions, len(m)), m...)
	dst = wire.AppendStringField(dst, fieldID, n.ID)
	dst = wire.AppendStringField(dst, fieldListenAddr, n.ListenAddr)
	dst = wire.AppendStringField(dst, fieldNetwork, n.Network)
	dst = wire.AppendStringField(dst, fieldVersion, n.Version)
	dst = wire.AppendStringField(dst, fieldChannels, n.Channels)
	dst = wire.AppendStringField(dst, fieldMoniker, n.Moniker)
	m = wire.AppendStringField(m[:0], fieldTxIndex, n.TxIndex)
	m = wire.AppendStringField(m, fieldRPCAddress, n.RPCAddress)
	return append(wire.AppendBytesHead(dst, fieldOther, len(m)), m...)
}

// parseNodeInfo reads what append writes.
func parseNodeInfo(b []byte) (n *NodeInfo, err error) {
	n = new(NodeInfo)
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		if f.Num > fieldOther {
			continue
		}
		r.Want(f, wire.Bytes, "node info")
		switch f.Num {
		case fieldVersions:
			n.readVersions(&r, f.Data)
		case fieldID:
			n.ID = string(f.Data)
		case fieldListenAddr:
			n.ListenAddr = string(f.Data)
		case fieldNetwork:
			n.Network = string(f.Data)
		case fieldVersion:
			n.Version = string(f.Data)
		case fieldChannels:
			n.Channels = bytes.Clone(f.Data)
		case fieldMoniker:
			n.Moniker = string(f.Data)
		case fieldOther:
			n.readOther(&r, f.Data)
		}
	}
	if r.Err() != nil {
		return nil, fault.New(fault.Protocol, "open", fmt.Errorf("node info: %w", r.Err()))
	}
	return n, nil
}

func (n *NodeInfo) readVersions(outer *wire.Reader, b []byte) {
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		if f.Num > fieldApp {
			continue
		}
		r.Want(f, wire.Varint, "protocol version")
		switch f.Num {
		case fieldP2P:
			n.P2P = f.Int
		case fieldBlock:
			n.Block = f.Int
		case fieldApp:
			n.App = f.Int
		}
	}
	if r.Err() != nil {
		outer.Fail(r.Err())
	}
}

func (n *NodeInfo) readOther(outer *wire.Reader, b []byte) {
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldTxIndex:
			r.Want(f, wire.Bytes, "tx index")
			n.TxIndex = string(f.Data)
		case fieldRPCAddress:
			r.Want(f, wire.Bytes, "rpc address")
			n.RPCAddress = string(f.Data)
		}
	}
	if r.Err() != nil {
		outer.Fail(r.Err())
	}
}

// listen returns where the node says that it listens. A name in it is not
// looked up: whoever connects could have us ask any name server for anything.
func (n *NodeInfo) listen() (addr.Addr, error) { return parseHostPort(bare(n.ListenAddr)) }

// validate returns what is wrong with n by itself, in the order in which the
// original looks (CometBFT, DefaultNodeInfo.Validate).
func (n *NodeInfo) validate() error {
	if err := checkID(n.ID); err != nil {
		return err
	}
	if _, err := n.listen(); err != nil {
		return fmt.Errorf("listen address: %w", err)
	}
	if n.Version != "" && !isText(n.Version) {
		return fmt.Errorf("version %.80q is not printable ASCII", n.Version)
	}
	if len(n.Channels) > maxChannels {
		return fmt.Errorf("channels: %d, limit %d", len(n.Channels), maxChannels)
	}
	for i, c := range n.Channels {
		if bytes.IndexByte(n.Channels[:i], c) >= 0 {
			return fmt.Errorf("channel %#02x is there twice", c)
		}
	}
	if !isText(n.Moniker) {
		return fmt.Errorf("moniker %.80q is not printable ASCII", n.Moniker)
	}
	switch n.TxIndex {
	case "", "on", "off":
	default:
		return fmt.Errorf("tx index %.80q is neither on nor off", n.TxIndex)
	}
	if n.RPCAddress != "" && !isText(n.RPCAddress) {
		return fmt.Errorf("rpc address %.80q is not printable ASCII", n.RPCAddress)
	}
	return nil
}

// isText reports whether s is printable ASCII and not blank.
func isText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return strings.Trim(s, " ") != ""
}

var errNoChannel = errors.New("no channel in common")

// compatible returns why two nodes cannot talk, each of them valid by itself
// (CometBFT, DefaultNodeInfo.CompatibleWith). A node without any channel talks to
// everybody.
func (n *NodeInfo) compatible(other *NodeInfo) error {
	switch {
	case other.Block != n.Block:
		return fmt.Errorf("block protocol %d, want %d", other.Block, n.Block)
	case other.Network != n.Network:
		return fmt.Errorf("network %.80q, want %q", other.Network, n.Network)
	case len(n.Channels) > 0 && !common(n.Channels, other.Channels):
		return errNoChannel
	}
	return nil
}

func common(a, b []byte) bool {
	for _, c := range a {
		if bytes.IndexByte(b, c) >= 0 {
			return true
		}
	}
	return false
}
