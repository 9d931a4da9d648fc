package config

import (
	"errors"
	"path/filepath"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
)

// socketName is the file name of the control socket.
const socketName = "control.sock"

// defaults returns the settings of the weakest layer. The limits are those of
// factom-p2p (factom-p2p 2.2) where it has them.
func defaults() *Settings {
	s := &Settings{
		Dialect:         "factom/11",
		NodeName:        "parley",
		PEX:             true,
		Channels:        tendermint.NodeChannels(),
		NodeKeyFile:     "node_key.json",
		Moniker:         "parley",
		JournalSize:     64 << 20,
		JournalBody:     4 << 10,
		EnableNet:       true,
		PeersFile:       "peers.json",
		NAT:             "none",
		Outbound:        8,
		Inbound:         36,
		Target:          32,
		DropTo:          30,
		RoundTime:       15 * time.Minute,
		Rotate:          10 * time.Minute,
		PerIP:           4,
		PerGroup:        2,
		Outbox:          8 << 20,
		MaxMessage:      16 << 20,
		OpenTimeout:     10 * time.Second,
		WriteTimeout:    20 * time.Second,
		BanTime:         24 * time.Hour,
		LogLevel:        "warn",
		LogFormat:       "text",
		StatusEvery:     10 * time.Second,
		ShutdownTimeout: 10 * time.Second,
		Origins:         map[string]Origin{},
	}
	for n, row := range netTable {
		s.Nets[n] = NetSettings{Port: row.port, SeedURL: row.seed}
	}
	return s
}

// resolve works out what was not set and depends on what was.
func (s *Settings) resolve(env map[string]string) error {
	if err := s.resolveFamily(); err != nil {
		return err
	}
	if s.Journal != "" && s.isDefault("show-messages") {
		s.ShowMessages, s.Origins["show-messages"] = false, Origin{Where: "journal"}
	}
	s.resolveNetwork()
	s.resolveLimits()
	return s.resolvePaths(env)
}

func (s *Settings) resolveNetwork() {
	net, key, own := s.perNet()
	from := func(k string) Origin {
		if o := s.Origins[key+k]; own && o.Layer != Default {
			return o
		}
		return Origin{Where: "network " + s.Network}
	}
	if s.Port == 0 {
		s.Port, s.Origins["port"] = s.Net.Port, from("-network-port")
	}
	if s.isDefault("seed-url") {
		s.SeedURL, s.Origins["seed-url"] = s.Net.SeedURL, from("-seed-url")
	}
	if s.isDefault("dns-seeds") {
		s.DNSSeeds, s.Origins["dns-seeds"] = s.Net.Hosts, from("-dns-seeds")
	}
	if own && s.isDefault("special-peers") {
		s.SpecialPeers, s.Origins["special-peers"] = net.SpecialPeers, from("-special-peers")
	}
	if s.isDefault("listen") {
		s.Listen = []addr.Addr{{Port: uint16(s.Port)}}
		s.Origins["listen"] = Origin{Where: "port"}
	}
}

// resolveLimits lets defaults give way to a lower cap. What was asked for does
// not: see validate.
func (s *Settings) resolveLimits() {
	if s.Max == 0 {
		return
	}
	for key, v := range s.capped() {
		if s.isDefault(key) && *v > s.Max {
			*v = s.Max
			s.Origins[key] = Origin{Where: "max"}
		}
	}
}

// capped returns what Max caps, by key.
func (s *Settings) capped() map[string]*int {
	return map[string]*int{"inbound": &s.Inbound, "target": &s.Target, "drop-to": &s.DropTo}
}

func (s *Settings) resolvePaths(env map[string]string) error {
	ownDir := !s.isDefault("data-dir")
	if !ownDir {
		s.DataDir = stateHome(env)
		s.Origins["data-dir"] = Origin{Where: "XDG_STATE_HOME"}
	}
	if s.DataDir == "" {
		return errors.New("data-dir: not set, and there is no home directory to put it in")
	}
	dir, err := filepath.Abs(s.DataDir)
	if err != nil {
		return err
	}
	s.DataDir = dir
	if s.PeersFile != "" && !filepath.IsAbs(s.PeersFile) {
		s.PeersFile = filepath.Join(dir, s.Net.Label+"-"+s.PeersFile)
	}
	if s.NodeKeyFile == "" {
		return s.wrong("node-key-file", "a path")
	}
	if !filepath.IsAbs(s.NodeKeyFile) {
		s.NodeKeyFile = filepath.Join(dir, s.NodeKeyFile)
	}
	if s.isDefault("socket") {
		s.resolveSocket(env["XDG_RUNTIME_DIR"], ownDir)
	}
	return nil
}

// resolveSocket puts the control socket where clients find it with the same
// settings: in the runtime directory, but beside the data if that was placed
// on purpose, because then there is likely more than one daemon.
func (s *Settings) resolveSocket(runtime string, ownDir bool) {
	if filepath.IsAbs(runtime) && !ownDir {
		s.Socket = filepath.Join(runtime, "parley", socketName)
		s.Origins["socket"] = Origin{Where: "XDG_RUNTIME_DIR"}
		return
	}
	s.Socket = filepath.Join(s.DataDir, socketName)
	s.Origins["socket"] = Origin{Where: "data-dir"}
}

func (s *Settings) isDefault(key string) bool { return s.Origins[key].Layer == Default }

// configHome is where the user's configuration is (XDG base directories).
func configHome(env map[string]string) string {
	return xdg(env, "XDG_CONFIG_HOME", ".config")
}

// stateHome is where the user's state is kept.
func stateHome(env map[string]string) string {
	return xdg(env, "XDG_STATE_HOME", ".local", "state")
}

// xdg returns our directory below the one that a variable names, or below its
// fallback in the home directory. A relative path in the variable is to be
// ignored, says the specification. It is empty without a home.
func xdg(env map[string]string, name string, fallback ...string) string {
	if dir := env[name]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "parley")
	}
	home := env["HOME"]
	if home == "" {
		home = env["USERPROFILE"]
	}
	if home == "" {
		return ""
	}
	return filepath.Join(append(append([]string{home}, fallback...), "parley")...)
}
