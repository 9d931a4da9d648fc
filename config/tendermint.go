package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"parley/addr"
	"parley/dialect/tendermint"
)

// tendermintFields are the settings of Tendermint's kind of node.
func tendermintFields() []Field {
	const nodes = "nodes identity@host:port separated by commas or blanks"
	const ids = "identities of 40 hexadecimal digits separated by commas or blanks"
	list := func(key, usage string, ptr func(*Settings) *[]tendermint.NetAddress) Field {
		return listed(key, usage, nodes, ptr, parseNode, tendermint.NetAddress.String)
	}
	return []Field{
		newField("channels", "channels to take messages from", "all, none, or up to 15 numbers from 0x01 to 0xff",
			func(s *Settings) *[]tendermint.Channel { return &s.Channels }, parseChannels, formatChannels).asText(),
		boolean("pex", "exchange addresses with peers",
			func(s *Settings) *bool { return &s.PEX }),
		list("persistent-peers", "special peers that have to prove an identity",
			func(s *Settings) *[]tendermint.NetAddress { return &s.PersistentPeers }),
		list("seeds", "nodes to ask for addresses, which have to prove an identity",
			func(s *Settings) *[]tendermint.NetAddress { return &s.Seeds }),
		listed("unconditional-peer-ids", "who is let in over all limits", ids,
			func(s *Settings) *[]string { return &s.Unconditional }, parseIdentity, same).live(),
		listed("private-peer-ids", "whose addresses are never passed on", ids,
			func(s *Settings) *[]string { return &s.Private }, parseIdentity, same),
		boolean("seed-mode", "be a seed: crawl the network, answer who asks, and hang up",
			func(s *Settings) *bool { return &s.SeedMode }),
		words("node-key-file", "key of this node, which is made if it is not there; a relative path is below data-dir", "a path",
			func(s *Settings) *string { return &s.NodeKeyFile }),
		words("moniker", "name of this node, told to its peers", "at most 64 printable ASCII characters",
			func(s *Settings) *string { return &s.Moniker }),
	}
}

var (
	cometFamily = family{
		dialects: []string{"cometbft"},
		want:     "the chain id of the genesis: 1 to 50 printable ASCII characters",
		find:     findChain,
		habits:   merged(tendermintHabits, map[string]string{"outbound": "10", "inbound": "40", "open-timeout": "20s"}),
		own: append([]string{"persistent-peers", "seeds", "unconditional-peer-ids", "private-peer-ids",
			"seed-mode", "node-key-file", "moniker"}, tendermintOwn...),
	}
	tendermint2014Family = family{
		dialects: []string{"tendermint2014", "tendermint2014/december"},
		network:  "tendermint2014",
		want:     "a name of 1 to 50 printable ASCII characters; only files are named after it",
		find:     findChain,
		habits:   merged(tendermintHabits, map[string]string{"outbound": "10", "inbound": "40"}),
		own:      tendermintOwn,
	}
)

// tendermintHabits are what both ages share: there are no rounds, and an observer
// shows what it observes.
var tendermintHabits = map[string]string{"target": "0", "drop-to": "0", "round-time": "0s", "show-messages": "true"}

var tendermintOwn = []string{"channels", "pex"}

func merged(ms ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range ms {
		for k, v := range m { // ordered: the maps have no key in common
			all[k] = v
		}
	}
	return all
}

// maxChainID is the longest chain id that CometBFT takes.
const maxChainID = 50

// findChain accepts any chain: there is no list of them, and none is the default,
// so that nobody joins one by accident.
func findChain(_ *Settings, name string) (string, Facts, bool) {
	if name == "" || len(name) > maxChainID || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", Facts{}, false
	}
	label := "chain-" + strings.ToLower(name)
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		sum := sha256.Sum256([]byte(name))
		label = fmt.Sprintf("chain-%x", sum[:4])
	}
	return name, Facts{Name: name, Label: label, Port: 26656}, true
}

// parseChannels reads all, none, or numbers of channels. Those of a CometBFT node
// have its priorities and limits.
func parseChannels(s string) ([]tendermint.Channel, error) {
	known := tendermint.NodeChannels()
	switch s {
	case "all":
		return known, nil
	case "none":
		return nil, nil
	}
	var list []tendermint.Channel
	for _, w := range split(s) {
		n, err := strconv.ParseUint(w, 0, 8)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("channel %.20q", w)
		}
		same := func(c tendermint.Channel) bool { return c.ID == byte(n) }
		c := tendermint.Channel{ID: byte(n)}
		if i := slices.IndexFunc(known, same); i >= 0 {
			c = known[i]
		}
		if slices.ContainsFunc(list, same) {
			return nil, fmt.Errorf("channel %#02x twice", n)
		}
		list = append(list, c)
	}
	if len(list) == 0 || len(list) > maxChannels {
		return nil, errors.New("number of channels")
	}
	return list, nil
}

// maxChannels is the most channels besides that of peer exchange.
const maxChannels = 15

func formatChannels(cs []tendermint.Channel) string {
	if slices.Equal(cs, tendermint.NodeChannels()) {
		return "all"
	}
	if len(cs) == 0 {
		return "none"
	}
	var words []string
	for _, c := range cs {
		words = append(words, fmt.Sprintf("0x%02x", c.ID))
	}
	return strings.Join(words, ",")
}

// parseIdentity reads the identity of a CometBFT node.
func parseIdentity(s string) (string, error) {
	n, err := parseNode(s + "@127.0.0.1:1")
	return n.ID, err
}

// parseNode reads id@host:port, where the node can be dialed.
func parseNode(s string) (tendermint.NetAddress, error) {
	n, err := tendermint.ParseNetAddress(s)
	n.ID = strings.ToLower(n.ID) // as nodes make it from their keys
	if err == nil && !n.Addr.Dialable() {
		err = errors.New("not an address to dial")
	}
	return n, err
}

// addrsOf returns where some nodes can be dialed.
func addrsOf(ns []tendermint.NetAddress) []addr.Addr {
	var as []addr.Addr
	for _, n := range ns {
		as = append(as, n.Addr)
	}
	return as
}
