package tongue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"parley/addr"
	"parley/config"
	"parley/core"
	"parley/dialect/factom"
	"parley/node"
)

var factomTongue = Tongue{Speak: speakFactom, Check: checkFactom, Agent: slashed, Kind: typed, Import: importFactom}

// factomVersions are the newest versions that the names of the dialect stand for.
var factomVersions = map[string]uint16{"factom": factom.V11, "factom/9": factom.V9, "factom/10": factom.V10, "factom/11": factom.V11}

func checkFactom(s *config.Settings) error {
	version := factomVersions[s.Dialect]
	if s.MinVersion != 0 && (s.MinVersion < int(factom.V9) || s.MinVersion > int(version)) {
		return wrong(s, "min-version", fmt.Sprint(s.MinVersion), fmt.Sprintf("0 or a number from %d to %d", factom.V9, version))
	}
	return nil
}

func speakFactom(s *config.Settings) (*Spoken, error) {
	version := factomVersions[s.Dialect]
	if err := checkFactom(s); err != nil {
		return nil, err
	}
	d, err := factom.New(factom.Config{
		Version:    version,
		MinVersion: uint16(s.MinVersion),
		NodeID:     cmp.Or(s.NodeID, rand.Uint32()),
		MaxParcel:  s.MaxMessage,
	})
	if err != nil {
		return nil, err
	}
	return &Spoken{Dialect: d, Network: s.NetworkID(), Full: node.DropOldest}, nil
}

// factomFile is the peer file of factom-p2p 1.13.
type factomFile struct {
	Bans  map[string]time.Time `json:"bans"` // by ip or ip:port, until when
	Peers []factomEntry        `json:"peers"`
}

type factomEntry struct {
	IP   string `json:"ip"`
	Port string `json:"port"`
}

// legacyEntry is an entry of the peers.json of factomd 6.6, an object by ip:port
// (factomd 2).
type legacyEntry struct {
	Address, Port string
	Network       uint32
}

// importFactom reads the file of either. Of the older one it takes the peers of the
// chosen network.
func importFactom(s *config.Settings, file []byte) (*core.Saved, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(file, &raw); err != nil {
		return nil, fmt.Errorf("peers file: %w", describe(file, err))
	}
	if raw["peers"] == nil && raw["bans"] == nil {
		return importLegacy(s, raw)
	}
	var f factomFile
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("peers file: %w", describe(file, err))
	}
	if len(f.Peers) > maxImport || len(f.Bans) > maxImport {
		return nil, fmt.Errorf("peers file: %d peers and %d bans, limit %d each", len(f.Peers), len(f.Bans), maxImport)
	}
	saved := &core.Saved{}
	for i, e := range f.Peers {
		if err := takeFactom(saved, e); err != nil {
			return nil, fmt.Errorf("peers file: peers[%d]: %w", i, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Bans)) {
		a, err := config.ParseMachine(key)
		if err != nil {
			return nil, fmt.Errorf("peers file: bans: %.80q: want an IP, or IP:port", key)
		}
		saved.Bans = append(saved.Bans, core.Ban{Addr: a, Until: f.Bans[key], Why: "imported"})
	}
	return saved, nil
}

func importLegacy(s *config.Settings, raw map[string]json.RawMessage) (*core.Saved, error) {
	if len(raw) > maxImport {
		return nil, fmt.Errorf("peers file: %d entries, limit %d", len(raw), maxImport)
	}
	saved := &core.Saved{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		var e legacyEntry
		err := json.Unmarshal(raw[key], &e)
		if err == nil && e.Network == s.NetworkID() {
			err = takeFactom(saved, factomEntry{e.Address, e.Port})
		}
		if err != nil {
			return nil, fmt.Errorf("peers file: %.80q: %w", key, err)
		}
	}
	return saved, nil
}

// takeFactom adds a peer of which nothing but its address is known.
func takeFactom(saved *core.Saved, e factomEntry) error {
	a, err := addr.Join(e.IP, e.Port)
	if err == nil && !a.Dialable() {
		err = fmt.Errorf("%s can not be dialed", a)
	}
	if err == nil {
		saved.Peers = append(saved.Peers, known(a, time.Time{}, 0))
	}
	return err
}
