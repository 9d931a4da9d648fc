package config

import (
	"slices"
	"strconv"
	"time"

	"parley/addr"
)

// What no setting may exceed.
const (
	maxLinks   = 10000
	maxOutbox  = 1 << 30
	maxBody    = 128 << 20 // factom-p2p 1.5: the most a V11 parcel may have
	maxTimeout = time.Hour
	maxBan     = 10 * 365 * 24 * time.Hour
)

// Fields returns every setting, in the order in which they are shown. The
// caller must not change them.
func Fields() []Field {
	return slices.Concat(
		grouped("network", identity()), grouped("addresses", places()), grouped("peering", peering()),
		grouped("limits", bounds()), grouped("discovery", discovery()), grouped("tendermint", tendermintFields()), grouped("daemon", daemon()), grouped("networks", perNetwork()))
}

func grouped(name string, fs []Field) []Field {
	for i := range fs {
		fs[i].Group = name
	}
	return fs
}

func identity() []Field {
	return []Field{
		words("dialect", "wire language, and the newest protocol version to speak", "",
			func(s *Settings) *string { return &s.Dialect }, Dialects()...),
		number("min-version", "oldest protocol version to accept, 0 for the oldest the dialect speaks", 0, 1<<16,
			func(s *Settings) *int { return &s.MinVersion }),
		words("network", "network to join, or the chain id of its genesis", "the name of a network of the dialect",
			func(s *Settings) *string { return &s.Network }).after("LOCAL with factom, simnet with soter and bitcoin, none with cometbft"),
		words("custom-network", "name of a CUSTOM network", "a name",
			func(s *Settings) *string { return &s.CustomNetwork }).legacy(Legacy{Name: "customnet"}),
		boolean("enable-net", "take part in the network at all",
			func(s *Settings) *bool { return &s.EnableNet }).legacy(Legacy{Name: "enablenet"}),
		words("node-name", "name of this node, shown to its operator", "a name",
			func(s *Settings) *string { return &s.NodeName }).legacy(Legacy{Name: "nodename"}),
		words("user-agent", "name of this program, told to peers that ask", "at most 240 printable ASCII characters",
			func(s *Settings) *string { return &s.UserAgent }).after("parley and its version"),
		newField("node-id", "number this node introduces itself with, 0 to draw one", "a number from 0 to 4294967295",
			func(s *Settings) *uint32 { return &s.NodeID }, parseID, formatID),
	}
}

func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	return uint32(n), err
}

func formatID(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func places() []Field {
	const peers = "addresses host:port separated by commas or blanks"
	return []Field{
		number("port", "port of the default listener, 0 for that of the network", 0, 65535,
			func(s *Settings) *int { return &s.Port }).after("that of the network").
			legacy(Legacy{Name: "networkPort"}, Legacy{Name: "networkport"}),
		addrs("listen", "where to accept connections: host:port, :port for every interface, none",
			"addresses host:port or :port separated by commas or blanks, or none",
			func(s *Settings) *[]addr.Addr { return &s.Listen }, parseListen, formatListen).after("every interface, at port"),
		place("advertise", "where others are told to dial: host:port, host or :port", "host:port, host or :port",
			func(s *Settings) *addr.Addr { return &s.Advertise }, parseAdvertise, addr.Addr.String),
		words("nat", "have the gateway of this network let peers in, and how to ask it", "",
			func(s *Settings) *string { return &s.NAT }, "none", "any", "upnp", "natpmp", "pcp"),
		words("seed-url", "list of peers on the web, one host:port a line; empty for none", "a URL with http or https",
			func(s *Settings) *string { return &s.SeedURL }).after("that of the network"),
		words("seed-file", "list of peers in a file, one host:port a line", "a path",
			func(s *Settings) *string { return &s.SeedFile }),
		words("peers-file", "what is remembered over a restart; a relative path is below data-dir, behind the network's name; empty for nothing",
			"a path", func(s *Settings) *string { return &s.PeersFile }),
		addrs("special-peers", "peers to hold on to", peers,
			func(s *Settings) *[]addr.Addr { return &s.SpecialPeers }, parsePeer, addr.Addr.String).after("that of the network").live(),
		addrs("peers", "special peers besides those of special-peers", peers,
			func(s *Settings) *[]addr.Addr { return &s.Peers }, parsePeer, addr.Addr.String).live(),
		boolean("exclusive", "dial special peers alone",
			func(s *Settings) *bool { return &s.Exclusive }).live(),
		boolean("exclusive-in", "dial special peers alone, and admit nobody from another host",
			func(s *Settings) *bool { return &s.ExclusiveIn }).live().legacy(Legacy{Name: "exclusive_in"}),
	}
}

func peering() []Field {
	return []Field{
		number("outbound", "links to hold by dialing, where target is 0", 0, maxLinks,
			func(s *Settings) *int { return &s.Outbound }).live().legacy(Legacy{Name: "p2pOutgoing", Zero: true}),
		number("inbound", "links to accept", 0, maxLinks,
			func(s *Settings) *int { return &s.Inbound }).live().legacy(Legacy{Name: "p2pIncoming", Zero: true}),
		number("target", "dial while there are fewer links than this in both directions, 0 to go by outbound", 0, maxLinks,
			func(s *Settings) *int { return &s.Target }).live(),
		number("max", "links in both directions, which caps inbound, target and drop-to; 0 for no limit", 0, maxLinks,
			func(s *Settings) *int { return &s.Max }).live(),
		number("drop-to", "links to keep when a round ends, 0 for all", 0, maxLinks,
			func(s *Settings) *int { return &s.DropTo }).live(),
		span("round-time", "how often links over drop-to are dropped at random, 0 for never", true, time.Second, 365*24*time.Hour,
			func(s *Settings) *time.Duration { return &s.RoundTime }).live(),
		span("rotate", "without rounds, how often the youngest dialed link is swapped for another address, 0 for never", true, time.Second, 365*24*time.Hour,
			func(s *Settings) *time.Duration { return &s.Rotate }).live(),
		number("per-ip", "inbound links from one IP, 0 for no limit", 0, maxLinks,
			func(s *Settings) *int { return &s.PerIP }).live(),
		number("per-group", "outbound links into one neighborhood of the network, 0 for no limit", 0, maxLinks,
			func(s *Settings) *int { return &s.PerGroup }).live(),
		boolean("duplicate-ids", "admit a peer whose identity has a link already, where peers have identities",
			func(s *Settings) *bool { return &s.DuplicateIDs }),
	}
}

func bounds() []Field {
	return []Field{
		size("outbox", "bytes that may wait for one peer", 64<<10, maxOutbox,
			func(s *Settings) *int { return &s.Outbox }),
		size("max-message", "longest message to accept", 64<<10, maxBody,
			func(s *Settings) *int { return &s.MaxMessage }),
		span("open-timeout", "how long an opening exchange may take", false, 100*time.Millisecond, maxTimeout,
			func(s *Settings) *time.Duration { return &s.OpenTimeout }),
		span("write-timeout", "how long one batch of writes may take", false, 100*time.Millisecond, maxTimeout,
			func(s *Settings) *time.Duration { return &s.WriteTimeout }).legacy(Legacy{Name: "deadline", Unit: "ms"}),
		span("ban-time", "how long a ban lasts that names no time", false, time.Second, maxBan,
			func(s *Settings) *time.Duration { return &s.BanTime }).live(),
		addrs("ban", "machines or addresses to refuse for as long as they are listed", "hosts, or addresses host:port, separated by commas or blanks",
			func(s *Settings) *[]addr.Addr { return &s.Ban }, ParseMachine, addr.Addr.String).live(),
		words("bans-file", "more of them in a file, one a line", "a path",
			func(s *Settings) *string { return &s.BansFile }).live(),
	}
}

func daemon() []Field {
	return []Field{
		words("data-dir", "directory of what is remembered", "a path",
			func(s *Settings) *string { return &s.DataDir }).after("$XDG_STATE_HOME/parley"),
		words("socket", "path of the control socket", "a path of at most 100 bytes",
			func(s *Settings) *string { return &s.Socket }).after("in $XDG_RUNTIME_DIR/parley, or in data-dir"),
		words("log-level", "least severe messages to log", "",
			func(s *Settings) *string { return &s.LogLevel }, "debug", "info", "warn", "error").live().legacy(Legacy{Name: "loglvl"}),
		words("log-format", "form of the log", "",
			func(s *Settings) *string { return &s.LogFormat }, "text", "json"),
		place("metrics", "where to serve metrics over HTTP on loopback: a port, or IP:port; empty for nowhere", "a port, or a loopback IP:port",
			func(s *Settings) *addr.Addr { return &s.Metrics }, parseMetrics, formatListen),
		span("status-every", "pause between status lines, 0 for none", true, time.Second, 24*time.Hour,
			func(s *Settings) *time.Duration { return &s.StatusEvery }),
		boolean("show-messages", "print a line for every message of the application that arrives",
			func(s *Settings) *bool { return &s.ShowMessages }),
		words("journal", "file to append to, a line of JSON for every message that arrives; empty for none", "a path",
			func(s *Settings) *string { return &s.Journal }),
		size("journal-size", "bytes at which the journal is renamed, with .1 behind its name, and begun anew", 64<<10, 1<<30,
			func(s *Settings) *int { return &s.JournalSize }),
		size("journal-body", "most bytes of a message to have in its line", 0, 1<<20,
			func(s *Settings) *int { return &s.JournalBody }),
		span("shutdown-timeout", "how long an orderly end may take", false, 100*time.Millisecond, maxTimeout,
			func(s *Settings) *time.Duration { return &s.ShutdownTimeout }),
	}
}

// perNetwork returns the settings that a file may hold for every network, of
// which those of the chosen one apply (factomd 2).
func perNetwork() []Field {
	var fs []Field
	for n := range networks {
		key, name := netTable[n].key, netTable[n].name
		fs = append(fs,
			number(key+"-network-port", "port on network "+name, 1, 65535,
				func(s *Settings) *int { return &s.Nets[n].Port }),
			words(key+"-seed-url", "seed-url on network "+name, "a URL with http or https",
				func(s *Settings) *string { return &s.Nets[n].SeedURL }),
			addrs(key+"-special-peers", "special-peers on network "+name, "addresses host:port separated by commas or blanks",
				func(s *Settings) *[]addr.Addr { return &s.Nets[n].SpecialPeers }, parsePeer, addr.Addr.String))
	}
	for i := range fs {
		fs[i].net = true
	}
	return fs
}
