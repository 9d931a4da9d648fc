package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// family is a group of dialects with the same networks and habits. A new one is a
// file of its own, and a word in families.
type family struct {
	dialects []string // as they are chosen
	network  string   // the one that is chosen by default; "" if there is none
	want     string   // which there are, in words
	// find returns what is fixed about a network, whose name may be in any case,
	// and the name as it is usually written. It reports false for one that is not.
	find func(s *Settings, name string) (usual string, facts Facts, ok bool)
	// habits are defaults other than those in defaults, by key.
	habits map[string]string
	// own are the settings that mean nothing to other families.
	own []string
}

// Facts are what is fixed about a network.
type Facts struct {
	Name    string   // for people
	Label   string   // short and in lower case, for the names of files
	ID      uint32   // number or magic by which nodes know it; 0 if they go by its name, or do not
	Port    int      // where its nodes listen
	SeedURL string   // a list of peers on the web; "" for none
	Hosts   []string // names that lead to peers; nil for none
}

// families are all there are, in the order of the help.
func families() []*family {
	return []*family{&factomFamily, &soterFamily, &bitcoinFamily, &cometFamily, &tendermint2014Family}
}

// Dialects returns what the setting of that name can be.
func Dialects() []string {
	var names []string
	for _, f := range families() {
		names = append(names, f.dialects...)
	}
	return names
}

// familyOf returns the family of a dialect that was read.
func familyOf(name string) *family {
	fs := families()
	return fs[slices.IndexFunc(fs, func(f *family) bool { return slices.Contains(f.dialects, name) })]
}

// resolveFamily lets the dialect decide what is not set.
func (s *Settings) resolveFamily() error {
	f := familyOf(s.Dialect)
	from := Origin{Where: "dialect " + s.Dialect}
	for _, field := range Fields() {
		text, ok := f.habits[field.Key]
		if !ok || !s.isDefault(field.Key) {
			continue
		}
		if err := field.set(s, text); err != nil {
			return fmt.Errorf("%s: default of %s: %w", field.Key, s.Dialect, err)
		}
		s.Origins[field.Key] = from
	}
	if s.Network == "" {
		s.Network = f.network
		if s.isDefault("network") {
			s.Origins["network"] = from
		}
	}
	usual, facts, ok := f.find(s, s.Network)
	if !ok {
		return errors.Join(s.wrong("network", f.want), s.foreign(f))
	}
	s.Network, s.Net = usual, facts
	return s.foreign(f)
}

// foreign returns an error for each setting that means nothing to a family.
func (s *Settings) foreign(mine *family) error {
	var errs []error
	for _, f := range families() {
		for _, key := range f.own {
			if slices.Contains(mine.own, key) || s.isDefault(key) || s.same(key) {
				continue
			}
			errs = append(errs, s.wrong(key, "nothing, because dialect is "+s.Dialect))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })...)
}

// same reports whether a setting was set to what it is anyway.
func (s *Settings) same(key string) bool {
	fs := Fields()
	i := slices.IndexFunc(fs, func(f Field) bool { return f.Key == key })
	return fs[i].Text(s) == fs[i].Default()
}

// named returns a find function of a few networks. Each has its usual name first
// and then others; the name is looked for in any case.
func named(prefix string, networks []namedNetwork) func(*Settings, string) (string, Facts, bool) {
	return func(_ *Settings, name string) (string, Facts, bool) {
		for _, n := range networks {
			if slices.ContainsFunc(n.names, func(k string) bool { return strings.EqualFold(k, name) }) {
				n.facts.Name, n.facts.Label = n.names[0], prefix+"-"+n.names[0]
				return n.names[0], n.facts, true
			}
		}
		return "", Facts{}, false
	}
}

type namedNetwork struct {
	names []string
	facts Facts
}
