package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/addr"
)

// Field describes one setting: its names, what it allows, and how it is read
// from and written as text. Fields are immutable.
type Field struct {
	Key    string // in kebab case; also the flag
	Group  string // what it is about, in one word
	Usage  string // one sentence without a full stop
	Want   string // what is allowed, in words
	Bool   bool   // a flag that needs no value
	Live   bool   // takes effect when a running daemon rereads its configuration
	Legacy []Legacy

	follows string // what the default is, if it is not fixed
	net     bool   // one network's own setting: in files only
	set     func(*Settings, string) error
	text    func(*Settings) string
	raw     func(*Settings) any
}

// FileOnly reports whether f can only be set in a file: it is what one network
// is to have if it is chosen.
func (f *Field) FileOnly() bool { return f.net }

// Follows says in words what the default is, where it depends on something else;
// it is empty if the default is fixed.
func (f *Field) Follows() string { return f.follows }

// Legacy is an older name of a flag.
type Legacy struct {
	Name string
	Unit string // appended to a bare number
	Zero bool   // 0 means that the flag was not given
}

// Text returns the value of f in s, as it could be given.
func (f *Field) Text(s *Settings) string { return f.text(s) }

// Default returns the default as text; see Follows.
func (f *Field) Default() string { return f.text(defaults()) }

// JSON returns the value of f in s as JSON.
func (f *Field) JSON(s *Settings) (json.RawMessage, error) { return json.Marshal(f.raw(s)) }

// EnvName is the environment variable that sets f.
func (f *Field) EnvName() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.Key, "-", "_"))
}

func (f Field) legacy(l ...Legacy) Field { f.Legacy = l; return f }

func (f Field) live() Field { f.Live = true; return f }

// after marks a field whose default depends on something else, and says how.
func (f Field) after(what string) Field { f.follows = what; return f }

func newField[T any](key, usage, want string, ptr func(*Settings) *T, parse func(string) (T, error), text func(T) string) Field {
	return Field{
		Key: key, Usage: usage, Want: want,
		set: func(s *Settings, v string) error {
			t, err := parse(v)
			if err == nil {
				*ptr(s) = t
			}
			return err
		},
		text: func(s *Settings) string { return text(*ptr(s)) },
		raw:  func(s *Settings) any { return *ptr(s) },
	}
}

func same(s string) string { return s }

// words is a text setting. With choices, it is one of them in any case.
func words(key, usage, want string, ptr func(*Settings) *string, choices ...string) Field {
	parse := func(v string) (string, error) {
		if len(choices) == 0 {
			return v, nil
		}
		i := slices.IndexFunc(choices, func(c string) bool { return strings.EqualFold(c, v) })
		if i < 0 {
			return "", fmt.Errorf("none of %s", strings.Join(choices, ", "))
		}
		return choices[i], nil
	}
	if len(choices) > 0 {
		want = strings.Join(choices[:len(choices)-1], ", ") + " or " + choices[len(choices)-1]
	}
	return newField(key, usage, want, ptr, parse, same)
}

func boolean(key, usage string, ptr func(*Settings) *bool) Field {
	f := newField(key, usage, "true or false", ptr, strconv.ParseBool, strconv.FormatBool)
	f.Bool = true
	return f
}

func number(key, usage string, lo, hi int, ptr func(*Settings) *int) Field {
	parse := func(v string) (int, error) {
		n, err := strconv.Atoi(v)
		return n, cmpRange(n, lo, hi, err)
	}
	return newField(key, usage, fmt.Sprintf("a number from %d to %d", lo, hi), ptr, parse, strconv.Itoa)
}

func size(key, usage string, lo, hi int, ptr func(*Settings) *int) Field {
	parse := func(v string) (int, error) {
		n, err := parseSize(v)
		return n, cmpRange(n, lo, hi, err)
	}
	want := fmt.Sprintf("bytes from %s to %s", formatSize(lo), formatSize(hi))
	return newField(key, usage, want, ptr, parse, formatSize)
}

// span is a duration; zero is allowed besides the range if none is set.
func span(key, usage string, none bool, lo, hi time.Duration, ptr func(*Settings) *time.Duration) Field {
	parse := func(v string) (time.Duration, error) {
		d, err := time.ParseDuration(v)
		if err == nil && none && d == 0 {
			return 0, nil
		}
		return d, cmpRange(d, lo, hi, err)
	}
	want := fmt.Sprintf("a duration from %s to %s", formatSpan(lo), formatSpan(hi))
	if none {
		want = "0 or " + want
	}
	f := newField(key, usage, want, ptr, parse, formatSpan)
	f.raw = func(s *Settings) any { return formatSpan(*ptr(s)) }
	return f
}

// listed is a list of items. The word none stands for an empty one.
func listed[T any](key, usage, want string, ptr func(*Settings) *[]T, one func(string) (T, error), form func(T) string) Field {
	parse := func(v string) ([]T, error) {
		if v == "none" {
			return []T{}, nil
		}
		return parseList(v, one)
	}
	texts := func(items []T) []string {
		list := make([]string, len(items))
		for i, item := range items {
			list[i] = form(item)
		}
		return list
	}
	f := newField(key, usage, want, ptr, parse, func(items []T) string { return strings.Join(texts(items), ",") })
	f.raw = func(s *Settings) any { return texts(*ptr(s)) }
	return f
}

// asText shows a setting in JSON as it is given.
func (f Field) asText() Field {
	f.raw = func(s *Settings) any { return f.text(s) }
	return f
}

func addrs(key, usage, want string, ptr func(*Settings) *[]addr.Addr, one func(string) (addr.Addr, error), form func(addr.Addr) string) Field {
	return listed(key, usage, want, ptr, one, form)
}

func place(key, usage, want string, ptr func(*Settings) *addr.Addr, one func(string) (addr.Addr, error), form func(addr.Addr) string) Field {
	parse := func(v string) (addr.Addr, error) {
		if v == "" {
			return addr.Addr{}, nil
		}
		return one(v)
	}
	text := func(a addr.Addr) string {
		if a.IsZero() {
			return ""
		}
		return form(a)
	}
	f := newField(key, usage, want, ptr, parse, text)
	f.raw = func(s *Settings) any { return text(*ptr(s)) }
	return f
}

func cmpRange[T int | time.Duration](v, lo, hi T, err error) error {
	if err == nil && (v < lo || v > hi) {
		return strconv.ErrRange
	}
	return err
}
