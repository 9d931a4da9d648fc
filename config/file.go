package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile is the most bytes of a configuration file.
const maxFile = 1 << 20

// findFile returns the file to read, or "" for none. A file that was asked for
// must exist; one found by its place need not.
func findFile(given string, env map[string]string) (string, error) {
	if given == "" {
		given = env[envPrefix+"CONFIG"]
	}
	if given != "" {
		return given, nil
	}
	dir := configHome(env)
	if dir == "" {
		return "", nil
	}
	for _, name := range []string{"parley.toml", "parley.conf"} {
		path := filepath.Join(dir, name)
		switch _, err := os.Stat(path); {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", nil
}

// readFile reads a text file of at most max bytes.
func readFile(path string, max int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return "", err
	}
	if int64(len(b)) > max {
		return "", fmt.Errorf("%s: over the limit of %d bytes", path, max)
	}
	return strings.TrimPrefix(string(b), "\ufeff"), nil
}

// addFile adds what a file sets. A name that ends in .toml says TOML, any other
// INI.
func (l *layered) addFile(path string) error {
	text, err := readFile(path, maxFile)
	if err != nil {
		return err
	}
	if strings.EqualFold(filepath.Ext(path), ".toml") {
		err = l.addTOML(path, text)
	} else {
		err = l.addINI(path, text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// addTOML takes every key, because the file is ours alone: one we do not know
// is an error, and so is one given twice in two spellings.
func (l *layered) addTOML(path, text string) error {
	es, err := parseTOML(text)
	if err != nil {
		return err
	}
	slices.SortStableFunc(es, byLine)
	keys := fieldKeys()
	var errs []error
	for _, e := range es {
		key, ok := keys[plain(e.key)]
		if !ok || strings.ToLower(e.key) != e.key {
			errs = append(errs, fmt.Errorf("line %d: unknown key %q", e.line, e.key))
			continue
		}
		if old, twice := l.raw[key]; twice {
			errs = append(errs, fmt.Errorf("line %d: %s was set in line %d", e.line, e.key, old.origin.Line))
		}
		l.raw[key] = raw{e.text, Origin{File, path, e.line}}
	}
	return errors.Join(errs...)
}

// addINI takes the keys it knows and warns of the others, because the file may
// be one of factomd's, whose settings are mostly not about the network. Of a
// key set twice, the last counts.
func (l *layered) addINI(path, text string) error {
	es, skipped, err := parseINI(text)
	if err != nil {
		return err
	}
	keys := fieldKeys()
	for _, e := range es {
		key, ok := keys[plain(e.key)]
		if !ok {
			l.warnings = append(l.warnings, fmt.Sprintf("%s:%d: key %s is no setting", path, e.line, e.key))
			continue
		}
		if old, twice := l.raw[key]; twice {
			l.warnings = append(l.warnings, fmt.Sprintf("%s:%d: %s overrides line %d", path, e.line, e.key, old.origin.Line))
		}
		l.raw[key] = raw{e.text, Origin{File, path, e.line}}
	}
	for _, name := range skipped {
		l.warnings = append(l.warnings, fmt.Sprintf("%s: section [%s] is not read", path, name))
	}
	return nil
}

// fieldKeys maps plain spellings to keys.
func fieldKeys() map[string]string {
	keys := map[string]string{
		"p2pincoming": "inbound", // factomd 6.6
		"p2poutgoing": "outbound",
	}
	for _, f := range Fields() {
		keys[plain(f.Key)] = f.Key
	}
	return keys
}
