package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// entry is one setting as a file has it.
type entry struct {
	key  string // as written
	text string
	line int
}

// parseINI reads the INI dialect of factomd's configuration: key = value, with
// sections, comments that start a line or follow a blank with ; or #, and
// values in double quotes where \" and \\ stand for themselves (factomd 2).
// Sections other than [app] belong to other programs; their names are returned.
func parseINI(text string) (es []entry, skipped []string, err error) {
	app := true
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == ';' || line[0] == '#':
			continue
		case line[0] == '[':
			name, err := section(line)
			if err != nil {
				return nil, nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			if app = strings.EqualFold(name, "app"); !app {
				skipped = append(skipped, name)
			}
			continue
		case !app:
			continue
		}
		e, err := parsePair(line)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		e.line = i + 1
		es = append(es, e)
	}
	return es, skipped, nil
}

func section(line string) (string, error) {
	name, rest, ok := strings.Cut(line[1:], "]")
	if rest = strings.TrimSpace(rest); !ok || rest != "" && rest[0] != ';' && rest[0] != '#' {
		return "", fmt.Errorf("%.80q: want [section]", line)
	}
	return strings.TrimSpace(name), nil
}

func parsePair(line string) (entry, error) {
	key, value, ok := strings.Cut(line, "=")
	if key = strings.TrimSpace(key); !ok || key == "" || strings.ContainsAny(key, " \t\"") {
		return entry{}, fmt.Errorf("%.80q: want key = value", line)
	}
	text, err := unquote(strings.TrimSpace(value))
	if err != nil {
		return entry{}, fmt.Errorf("%s: %w", key, err)
	}
	return entry{key: key, text: text}, nil
}

// unquote takes a value out of its quotes and drops the comment after it.
func unquote(s string) (string, error) {
	if s == "" || s[0] != '"' {
		return strings.TrimSpace(cutComment(s)), nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if rest := strings.TrimSpace(s[i+1:]); rest != "" && rest[0] != ';' && rest[0] != '#' {
				return "", fmt.Errorf("%.40q after the closing quote", rest)
			}
			return b.String(), nil
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("no closing quote")
}

// cutComment cuts s at a comment sign that starts it or follows a blank.
// Elsewhere the sign is part of the value, as in a URL.
func cutComment(s string) string {
	for i := range len(s) {
		if (s[i] == ';' || s[i] == '#') && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			return s[:i]
		}
	}
	return s
}

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
