// Package tongue is what `parley node` must know of each dialect: how to make it
// from the settings, how the node is known in it, and what its messages are called.
package tongue

import (
	"fmt"
	"time"

	"parley/addr"
	"parley/config"
	"parley/core"
	"parley/dialect"
	"parley/node"
)

// Tongue is one dialect. A new one is a file of its own, and a row in tongues.
type Tongue struct {
	// Speak returns what the node of some settings speaks. It may read and make
	// files that the settings name. Errors about a setting are of *config.Error.
	Speak func(*config.Settings) (*Spoken, error)
	// Check returns what Speak would find wrong with the settings, without looking
	// at files; nil if everything was checked when they were read.
	Check func(*config.Settings) error
	// Agent returns how a version of this program is called.
	Agent func(version string) string
	// Kind says what a message of the application is, in a word or two.
	Kind func(dialect.Message) string
	// Import reads the file in which another program keeps its peers, and perhaps
	// whom it refuses.
	Import func(s *config.Settings, file []byte) (*core.Saved, error)
}

// Spoken is a dialect that is made, with what goes into the node beside it.
type Spoken struct {
	Dialect dialect.Dialect
	ID      string          // of this node, or ""
	Network uint32          // as in [dialect.Self]
	Full    node.FullPolicy // of outboxes
	Seeds   []addr.Addr     // to ask for addresses
}

// tongues are all there are, by the names that the setting can have.
var tongues = map[string]Tongue{
	"factom": factomTongue, "factom/9": factomTongue, "factom/10": factomTongue, "factom/11": factomTongue,
	"soter": bitcoinTongue, "bitcoin": bitcoinTongue,
	"cometbft": cometTongue, "tendermint2014": tendermint2014Tongue, "tendermint2014/december": tendermint2014Tongue,
}

// Of returns the tongue of a dialect that settings have.
func Of(s *config.Settings) Tongue { return tongues[s.Dialect] }

// Check returns what is wrong with the settings of a dialect, without reading or
// making a file.
func Check(s *config.Settings) error {
	t := Of(s)
	if t.Check == nil {
		return nil
	}
	return t.Check(s)
}

// wrong is an error about a setting.
func wrong(s *config.Settings, field, value, want string) error {
	return &config.Error{Field: field, Value: value, Want: want, Origin: s.Origins[field]}
}

// slashed is a version behind the name of this program, as most write it.
func slashed(version string) string { return "parley/" + version }

// typed is the kind of messages whose types have no names.
func typed(m dialect.Message) string { return fmt.Sprintf("type %d", m.Type) }

// maxImport is the most peers to take over from a file.
const maxImport = 100_000

// known returns an address of somebody else's book. Times that a book does not
// know are zero there.
func known(a addr.Addr, success time.Time, tries int) core.Known {
	k := core.Known{Addr: a, Tries: min(max(tries, 0), 100)}
	if success.Unix() > 0 {
		k.Seen = success
	}
	return k
}
