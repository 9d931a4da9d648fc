package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// parseTOML reads a flat TOML document: keys with text, numbers, booleans, or
// lists of text. Entries are in the order of the document.
func parseTOML(text string) ([]entry, error) {
	var doc map[string]any
	meta, err := toml.Decode(text, &doc)
	if pe, ok := errors.AsType[toml.ParseError](err); ok {
		return nil, fmt.Errorf("line %d: %s", pe.Position.Line, pe.Message)
	}
	if err != nil {
		return nil, err
	}
	lines := keyLines(text)
	es := make([]entry, 0, len(doc))
	for _, k := range meta.Keys() {
		if len(k) > 1 {
			continue // below a table, which is reported itself
		}
		e := entry{key: k[0], line: lines[k[0]]}
		if e.text, err = tomlText(doc[e.key]); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", e.line, e.key, err)
		}
		es = append(es, e)
	}
	return es, nil
}

func tomlText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64, bool:
		return fmt.Sprint(v), nil
	case []any:
		list := make([]string, len(v))
		for i, x := range v {
			s, ok := x.(string)
			if !ok || s == "" || len(split(s)) != 1 {
				return "", fmt.Errorf("entry %d of the list: want one address as text", i+1)
			}
			list[i] = s
		}
		return strings.Join(list, ","), nil
	case map[string]any:
		return "", errors.New("unknown table")
	}
	return "", errors.New("want text, a number, a boolean or a list of text")
}

// keyLines finds the line of each top-level key, because the parser tells lines
// only with its errors. A line inside a multi-line string could look like a key;
// then its number is told instead.
func keyLines(text string) map[string]int {
	lines := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		key := lineKey(strings.TrimSpace(line))
		if _, seen := lines[key]; !seen {
			lines[key] = i + 1
		}
	}
	return lines
}

// lineKey returns the first part of the key that a line sets: a of "a.b = 1" and
// of "[a.b]".
func lineKey(line string) string {
	line = strings.TrimLeft(line, "[ \t")
	switch {
	case strings.HasPrefix(line, "'"):
		key, _, _ := strings.Cut(line[1:], "'")
		return key
	case strings.HasPrefix(line, `"`):
		quoted, _ := strconv.QuotedPrefix(line)
		key, _ := strconv.Unquote(quoted)
		return key
	}
	return strings.TrimSpace(line[:strings.IndexAny(line+"#", ".]=#")])
}
