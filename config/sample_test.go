package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"parley/addr"
)

// TestSampleIsTheDefaults reads the generated files and compares what they say
// with what is said without a file.
func TestSampleIsTheDefaults(t *testing.T) {
	want := values(load(t, Options{}))
	for name, text := range map[string]string{"parley.toml": SampleTOML(), "parley.conf": SampleINI()} {
		s := load(t, Options{File: write(t, name, text)})
		if got := values(s); !reflect.DeepEqual(got, want) || len(s.Warnings) > 0 {
			t.Errorf("%s says %v, want %v (warnings %q)", name, got, want, s.Warnings)
		}
		if o := s.Origins["outbox"]; o.Layer != File || o.Line == 0 {
			t.Errorf("%s: outbox comes from %s, want a line of the file", name, o)
		}
	}
}

// TestSampleNamesEverything takes the comment signs off the settings that the
// sample leaves to their defaults, so that the keys are read too.
func TestSampleNamesEverything(t *testing.T) {
	toml := regexp.MustCompile(`(?m)^# (\w+ = )`).ReplaceAllString(SampleTOML(), "$1")
	ini := regexp.MustCompile(`(?m)^; (\w+ += )`).ReplaceAllString(SampleINI(), "$1")
	for name, text := range map[string]string{"parley.toml": toml, "parley.conf": ini} {
		s, err := Load(Options{Env: home, File: write(t, name, text), Flags: []Given{{"data-dir", "/d"}, {"socket", "/d/s"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Fields() {
			if o := s.Origins[f.Key]; o.Layer == Default && f.Key != "port" {
				t.Errorf("%s does not name %s", name, f.Key)
			}
		}
	}
}

func values(s *Settings) map[string]string {
	m := map[string]string{}
	for _, f := range Fields() {
		m[f.Key] = f.Text(s)
	}
	return m
}

// TestFieldsRoundTrip writes every default as text and reads it back.
func TestFieldsRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fields() {
		if seen[plain(f.Key)] || f.Key != strings.ToLower(f.Key) {
			t.Errorf("key %s is there twice, or not in kebab case", f.Key)
		}
		seen[plain(f.Key)] = true
		s := defaults()
		text := f.Text(s)
		if f.follows != "" || text == "" {
			continue // not in force before it is resolved
		}
		if err := f.set(s, text); err != nil || f.Text(s) != text {
			t.Errorf("%s: %q reads as %q: %v", f.Key, text, f.Text(s), err)
		}
		if _, err := f.JSON(s); err != nil {
			t.Errorf("%s: %v", f.Key, err)
		}
	}
}

func TestCore(t *testing.T) {
	const special = "1.2.3.4:5"
	for _, tt := range []struct {
		name  string
		flags []Given
		ok    func(s *Settings) bool
	}{
		{"zero means none", []Given{{"inbound", "0"}, {"outbound", "0"}, {"per-ip", "0"}, {"per-group", "0"}}, func(s *Settings) bool {
			c := s.Core()
			return c.Inbound == -1 && c.Outbound == -1 && c.PerHost == -1 && c.PerGroup == -1 && c.Target == 32 && c.Book.PerAnswer == 1
		}},
		{"each identity once", nil, func(s *Settings) bool { return !s.Core().Twice }},
		{"identities more than once", []Given{{"duplicate-ids", "true"}}, func(s *Settings) bool { return s.Core().Twice }},
		{"exclusive", []Given{{"exclusive", "true"}, {"peers", special}}, func(s *Settings) bool {
			c := s.Core()
			return c.Outbound == -1 && c.Target == 0 && c.Inbound == 36 && !c.Only && len(c.Always) == 1
		}},
		{"exclusive in", []Given{{"exclusive_in", "true"}}, func(s *Settings) bool {
			c := s.Core()
			return c.Outbound == -1 && c.Target == 0 && c.Only
		}},
		{"no network", []Given{{"enablenet", "false"}, {"peers", special}}, func(s *Settings) bool {
			c := s.Core()
			return c.Outbound == -1 && c.Target == 0 && c.Inbound == -1 && c.Always == nil && s.Accept() == nil
		}},
		{"max bounds both directions", []Given{{"max", "20"}}, func(s *Settings) bool {
			c := s.Core()
			return c.Total == 20 && c.Inbound == 20 && c.Target == 20 && c.DropTo == 20
		}},
		{"a seed does not ask again at once", []Given{{"dialect", "cometbft"}, {"network", "chain"}, {"seed-mode", "true"}}, func(s *Settings) bool {
			return s.Core().Backoff == 30*time.Second
		}},
		{"listen nowhere", []Given{{"listen", "none"}}, func(s *Settings) bool { return len(s.Accept()) == 0 }},
		{"listen in two places", []Given{{"listen", ":0,[::1]:7"}}, func(s *Settings) bool {
			a := s.Accept()
			return len(a) == 2 && a[0] == addr.Addr{} && a[1].String() == "[::1]:7"
		}},
	} {
		if s := load(t, Options{Flags: tt.flags}); !tt.ok(s) {
			t.Errorf("%s: %+v, listening at %v", tt.name, s.Core(), s.Accept())
		}
	}
}

func TestChanged(t *testing.T) {
	a := load(t, Options{})
	b := load(t, Options{Flags: []Given{{"log-level", "debug"}, {"peers", "1.2.3.4:5"}, {"outbox", "1MiB"}}})
	live, fixed := Changed(a, b)
	if !reflect.DeepEqual(live, []string{"peers", "log-level"}) || !reflect.DeepEqual(fixed, []string{"outbox"}) {
		t.Errorf("live are %q and fixed %q", live, fixed)
	}
}

// FuzzINI checks that whatever is read can be written and reads the same again.
func FuzzINI(f *testing.F) {
	f.Add(SampleINI())
	f.Add("[app]\nx = \"a\\\"b\" ; c\ny=z;z\n[other]\n!\n")
	f.Fuzz(func(t *testing.T, text string) {
		es, _, err := parseINI(text)
		if err != nil {
			return
		}
		for _, e := range es {
			again, _, err := parseINI(e.key + " = " + quoteINI(e.text))
			if err != nil || len(again) != 1 || again[0].key != e.key || again[0].text != e.text {
				t.Errorf("%+v reads back as %+v: %v", e, again, err)
			}
		}
	})
}

// FuzzTOML checks that every entry has a line of the document, unless its key
// hides from a look at single lines, and that every field takes any text.
func FuzzTOML(f *testing.F) {
	f.Add(SampleTOML())
	f.Add("\"p\\u006frt\" = 1\n'peers' = [\"1.2.3.4:5\"]\n[a.b]\nc = 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		es, err := parseTOML(text)
		if err != nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, e := range es {
			if e.line < 0 || e.line > lines {
				t.Errorf("%+v of %d lines", e, lines)
			}
			for _, field := range Fields() {
				s := defaults()
				if field.set(s, e.text) != nil {
					continue
				}
				written := field.Text(s)
				if err := field.set(s, written); err != nil || field.Text(s) != written {
					t.Errorf("%s: %q is written %q, which reads as %q: %v", field.Key, e.text, written, field.Text(s), err)
				}
			}
		}
	})
}
