package show

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Bytes(0), "0 B"},
		{Bytes(999), "999 B"},
		{Bytes(10 << 10), "10.0 KiB"},
		{Bytes(1 << 30), "1.00 GiB"},
		{Bytes(5000 << 40), "5000 TiB"},
		{Count(0), "0"},
		{Count(0.5), "0.50"},
		{Count(9999), "9999"},
		{Count(12_345), "12.3k"},
		{Count(99_999_999), "100M"},
		{Rate(0), "0"},
		{Rate(0.04), "0.0"},
		{Rate(2.5), "2.5"},
		{Rate(9.96), "10"},
		{Rate(123_456), "123k"},
		{Duration(250 * time.Microsecond), "250 µs"},
		{Duration(1234 * time.Microsecond), "1.23 ms"},
		{Duration(99 * time.Millisecond), "99.0 ms"},
		{Duration(2 * time.Second), "2.00 s"},
		{Duration(time.Hour), "1h0m0s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func example() *Table {
	return &Table{
		Columns: []Column{{Title: "node"}, {Title: "links", Right: true}},
		Rows:    [][]string{{"0", "4"}, {"1 down", Unknown}, {"2", "12"}},
		Total:   []string{"all", "16"},
	}
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		want          []string
	}{
		{"free", 0, 0, []string{"node    links", "0           4", "1 down      —", "2          12", "all        16"}},
		{"narrow", 8, 0, []string{"node   …", "0      …", "1 down …", "2      …", "all    …"}},
		{"low", 0, 4, []string{"node  links", "0         4", "… and 2 more", "all      16"}},
		{"very low", 0, 2, []string{"node  links", "… and 3 more", "all      16"}},
	} {
		if got := example().Lines(c.width, c.height); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestScreenWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	s := NewScreen(&out, time.Now(), true)
	if s.Live() {
		t.Error("a buffer is no terminal")
	}
	s.Draw(func(int, int) []string { return []string{"picture"} })
	s.Tell("node %d died", 3)
	s.Close()
	if got := out.String(); !strings.HasSuffix(got, "s] node 3 died\n") || strings.Contains(got, "\x1b") || strings.Contains(got, "picture") {
		t.Errorf("%q, want one line without control sequences", got)
	}
}

func TestScreenRedraws(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{w: &out, live: true, color: true, start: time.Now()}
	draw := func(lines ...string) string {
		out.Reset()
		s.Draw(func(int, int) []string { return lines })
		return out.String()
	}
	if got, want := draw("title", "a"), hideCursor+bold+"title"+plain+"\na\n"; got != want {
		t.Errorf("first %q, want %q", got, want)
	}
	if got, want := draw("title", "b"), "\x1b[2A\r"+clearDown+bold+"title"+plain+"\nb\n"; got != want {
		t.Errorf("again %q, want %q", got, want)
	}
	out.Reset()
	s.Tell("news")
	if got := out.String(); !strings.HasPrefix(got, "\x1b[2A\r"+clearDown+"[") || !strings.HasSuffix(got, "news\n"+bold+"title"+plain+"\nb\n") {
		t.Errorf("news %q, want it above the picture", got)
	}
	out.Reset()
	s.Close()
	if got := out.String(); got != showCursor {
		t.Errorf("at the end %q, want the cursor back", got)
	}
}
