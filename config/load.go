package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const envPrefix = "PARLEY_"

// Options say what to load settings from.
type Options struct {
	// File is the configuration file. If it is empty, PARLEY_CONFIG names it;
	// failing that, parley.toml or parley.conf in the user's configuration
	// directory is read if it exists.
	File string
	// Env is the environment in the form of os.Environ. Nothing else of the
	// process is looked at.
	Env []string
	// Flags are the flags that were given. Later ones override earlier ones.
	Flags []Given
}

// Given is a flag that was given.
type Given struct {
	Name string // as it was spelled, without dashes
	Text string
}

// raw is a value before it is read, by key of its field.
type raw struct {
	text   string
	origin Origin
}

// layered is the merge of the layers: what is in it was set by the last of them.
type layered struct {
	raw      map[string]raw
	warnings []string
}

// Load merges the layers, reads and checks what is left and works out what
// depends on it. The error holds every problem found, each an [*Error] if it is
// one of a setting.
func Load(o Options) (*Settings, error) {
	env := environment(o.Env)
	l := &layered{raw: map[string]raw{}}
	file, err := findFile(o.File, env)
	if err == nil && file != "" {
		err = l.addFile(file)
	}
	if err != nil {
		return nil, err
	}
	l.addEnv(env)
	if err := l.addFlags(o.Flags); err != nil {
		return nil, err
	}
	s := defaults()
	s.File = file
	s.Warnings = l.warnings
	if err := errors.Join(s.read(l.raw), s.resolve(env)); err != nil {
		return nil, err
	}
	return s, s.validate()
}

// read sets every field that a layer set, and the origins of all.
func (s *Settings) read(from map[string]raw) error {
	var errs []error
	for _, f := range Fields() {
		r, ok := from[f.Key]
		if !ok {
			s.Origins[f.Key] = Origin{}
			continue
		}
		s.Origins[f.Key] = r.origin
		if err := f.set(s, r.text); err != nil {
			errs = append(errs, &Error{Field: f.Key, Value: r.text, Want: f.Want, Origin: r.origin})
		}
	}
	return errors.Join(errs...)
}

func environment(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	return env
}

// addEnv takes the variables of fields. Others with our prefix are likely
// misspelled, so they are warned of.
func (l *layered) addEnv(env map[string]string) {
	known := map[string]bool{envPrefix + "CONFIG": true}
	for _, f := range Fields() {
		name := f.EnvName()
		known[name] = true
		if v, ok := env[name]; ok && !f.net {
			l.raw[f.Key] = raw{v, Origin{Layer: Env, Where: name}}
		}
	}
	var unknown []string
	for name := range env {
		if strings.HasPrefix(name, envPrefix) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		l.warnings = append(l.warnings, fmt.Sprintf("environment variable %s is no setting", name))
	}
}

func (l *layered) addFlags(flags []Given) error {
	fields := Fields()
	for _, g := range flags {
		key, text, ok := flagField(fields, g)
		if !ok {
			return fmt.Errorf("flag --%s is no setting", g.Name)
		}
		if key != "" {
			l.raw[key] = raw{text, Origin{Layer: Flag, Where: "--" + g.Name}}
		}
	}
	return nil
}

// flagField finds the field that a flag sets, and its text. The key is empty if
// the flag counts as not given.
func flagField(fields []Field, g Given) (key, text string, ok bool) {
	for _, f := range fields {
		if f.Key == g.Name && !f.net {
			return f.Key, g.Text, true
		}
		for _, old := range f.Legacy {
			if old.Name != g.Name {
				continue
			}
			if old.Zero && g.Text == "0" {
				return "", "", true
			}
			if isDigits(g.Text) {
				g.Text += old.Unit
			}
			return f.Key, g.Text, true
		}
	}
	return "", "", false
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// plain is a key without what may differ in its spelling.
func plain(key string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
}

// byLine orders entries as a file has them.
func byLine(a, b entry) int { return cmp.Compare(a.line, b.line) }
