package toy

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
	"parley/internal/golden"
)

func TestCodecBytes(t *testing.T) {
	c := codec{max: 4}
	tests := []struct {
		name string
		m    dialect.Message
		wire string
	}{
		{"application", dialect.Message{Type: App, For: dialect.ToApp, Body: []byte("ab")}, "02000000 04 6162"},
		{"empty", dialect.Message{Type: Ping, For: dialect.ToSession, Body: []byte{}}, "00000000 00"},
		{"unknown type", dialect.Message{Type: 9, For: dialect.ToSession, Body: []byte{1}}, "01000000 09 01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wire := golden.Bytes(t, tt.wire)
			m, n, err := c.Next(append(wire, 0xff))
			if err != nil || n != len(wire) {
				t.Fatalf("took %d bytes with error %v, want %d and none", n, err, len(wire))
			}
			if m.Type != tt.m.Type || m.For != tt.m.For || !bytes.Equal(m.Body, tt.m.Body) {
				t.Errorf("decoded %+v, want %+v", m, tt.m)
			}
		})
	}
}

func TestCodecLimits(t *testing.T) {
	c := codec{max: 4}
	if _, _, err := c.Next(golden.Bytes(t, "05000000 04")); !errors.Is(err, fault.Protocol) {
		t.Errorf("a length over the limit gives %v, want a protocol fault", err)
	}
	if _, _, err := c.Next(golden.Bytes(t, "ffffffff 04")); !errors.Is(err, fault.Protocol) {
		t.Errorf("a length of 2^32-1 gives %v, want a protocol fault", err)
	}
	for _, m := range []dialect.Message{{Type: App, Body: make([]byte, 5)}, {Type: App + 1}} {
		if out, err := c.Append([]byte("x"), m); !errors.Is(err, fault.Local) || string(out) != "x" {
			t.Errorf("type %d with %d bytes gives %q and %v, want x and a local fault", m.Type, len(m.Body), out, err)
		}
	}
}

func TestAddrs(t *testing.T) {
	zone := addr.Addr{IP: netip.MustParseAddr("fe80::1%eth0"), Port: 1}
	in := []addr.Addr{
		{IP: netip.MustParseAddr("192.0.2.1"), Port: 8108},
		{IP: netip.MustParseAddr("2001:db8::1"), Port: 65535},
		zone,
		{},
		{Host: strings.Repeat("a.", 126) + "b", Port: 10000},
	}
	want := []addr.Addr{in[0], in[1], in[4]}
	b := appendAddrs(nil, in)
	got, err := parseAddrs(nil, b, 3)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
	if _, err := parseAddrs(nil, b, 2); !errors.Is(err, errMany) {
		t.Errorf("three addresses with limit 2 give %v, want %v", err, errMany)
	}
	for _, bad := range []string{"01", "0200 3a", "0004", "0200 3a30", "0900 302e302e302e303a31", "0d00 5b666538303a3a3125315d3a31"} {
		if as, err := parseAddrs(nil, golden.Bytes(t, bad), 9); err == nil {
			t.Errorf("%s is read as %v, want an error", bad, as)
		}
	}
}

// FuzzNext decodes arbitrary streams. It must stay within its buffer, and what
// it accepts of the known types it must encode to the same bytes.
func FuzzNext(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 4, 'a', 'b', 0, 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := codec{max: 1 << 10}
		for {
			m, n, err := c.Next(b)
			if err != nil || n > len(b) {
				return
			}
			if again, err := c.Append(nil, m); m.Type <= App && (err != nil || !bytes.Equal(again, b[:n])) {
				t.Fatalf("% x became % x with error %v", b[:n], again, err)
			}
			b = b[n:]
		}
	})
}

// FuzzAddrs reads arbitrary lists. What it accepts it must write so that it is
// read alike.
func FuzzAddrs(f *testing.F) {
	f.Add(appendAddrs(nil, []addr.Addr{{Host: "a.b", Port: 9}, {IP: netip.MustParseAddr("::1"), Port: 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		as, err := parseAddrs(nil, b, maxShare)
		if err != nil {
			return
		}
		again, err := parseAddrs(nil, appendAddrs(nil, as), maxShare)
		if err != nil || !slices.Equal(as, again) {
			t.Fatalf("%v became %v with error %v", as, again, err)
		}
	})
}
