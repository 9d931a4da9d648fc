package config

import (
	"fmt"
	"strings"
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
