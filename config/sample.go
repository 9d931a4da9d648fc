package config

import (
	"fmt"
	"strconv"
	"strings"
)

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
