package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Row is one effective setting, ready for a table or JSON.
type Row struct {
	Key    string          `json:"key"`
	Value  json.RawMessage `json:"value"`
	Text   string          `json:"-"` // the value as it could be given
	Origin Origin          `json:"origin"`
}

// Rows returns the effective settings in the order of [Fields]. What is set for
// each network is left out: of the chosen one it shows in port, seed-url and
// special-peers, with its origin.
func (s *Settings) Rows() ([]Row, error) {
	var rows []Row
	for _, f := range Fields() {
		if f.net {
			continue
		}
		value, err := f.JSON(s)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{f.Key, value, f.Text(s), s.Origins[f.Key]})
	}
	return rows, nil
}

// Changed returns the keys of the fields whose values differ between two
// settings, apart by whether a running daemon can take them over.
func Changed(a, b *Settings) (live, fixed []string) {
	for _, f := range Fields() {
		switch {
		case f.net || f.Text(a) == f.Text(b):
		case f.Live:
			live = append(live, f.Key)
		default:
			fixed = append(fixed, f.Key)
		}
	}
	return live, fixed
}

// SampleTOML returns a commented configuration file in which every setting has
// its default. Those whose default depends on something are commented out.
func SampleTOML() string {
	return sample("#", func(f *Field, text string) string {
		return strings.ReplaceAll(f.Key, "-", "_") + " = " + tomlValue(f, text)
	})
}

// SampleINI returns the same as [SampleTOML], with the keys and in the form of
// factomd's configuration.
func SampleINI() string {
	return sample(";", func(f *Field, text string) string {
		return fmt.Sprintf("%-20s = %s", camel(f.Key), quoteINI(text))
	})
}

func sample(comment string, line func(*Field, string) string) string {
	var b strings.Builder
	s := defaults()
	fs := Fields()
	for i := range fs {
		f := &fs[i]
		fmt.Fprintf(&b, "%s %s.\n%s %s", comment, f.Usage, comment, f.Want)
		if f.follows == "" {
			fmt.Fprintf(&b, "\n%s\n\n", line(f, f.Text(s)))
			continue
		}
		fmt.Fprintf(&b, "; by default %s\n%s %s\n\n", f.follows, comment, line(f, f.Text(s)))
	}
	return b.String()
}

// tomlValue writes numbers and booleans bare, lists as lists, the rest quoted.
func tomlValue(f *Field, text string) string {
	switch f.raw(defaults()).(type) {
	case int, uint32, bool:
		if !strings.ContainsAny(text, "BMGk") {
			return text
		}
	}
	return strconv.Quote(text)
}

func quoteINI(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\";#\\") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func camel(key string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(key, "-") {
		switch word {
		case "url", "ip", "id":
			b.WriteString(strings.ToUpper(word))
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
