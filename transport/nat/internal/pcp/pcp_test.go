package pcp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// The bytes were put together by hand from the figures of RFC 6887.
var golden = []struct {
	name string
	m    Message
	hex  string
}{
	{"announce", Message{Client: netip.MustParseAddr("192.0.2.9")},
		"0200000000000000" + "00000000000000000000ffffc0000209"},
	{"announced", Message{Response: true, Epoch: 258},
		"0280000000000000" + "00000102" + "000000000000000000000000"},
	{"map", Message{Op: Map, Lifetime: 3600, Client: netip.MustParseAddr("192.0.2.9"), Nonce: Nonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		Transport: TCP, Internal: 8108, ExternalAddr: netip.IPv4Unspecified()},
		"0201000000000e10" + "00000000000000000000ffffc0000209" + "0102030405060708090a0b0c" + "06000000" + "1fac0000" + "00000000000000000000ffff00000000"},
	{"mapped", Message{Response: true, Op: Map, Lifetime: 120, Epoch: 1, Nonce: Nonce{1}, Transport: UDP, Internal: 1, External: 0xfffe,
		ExternalAddr: netip.MustParseAddr("2001:db8::1")},
		"0281000000000078" + "00000001" + "000000000000000000000000" + "010000000000000000000000" + "11000000" + "0001fffe" + "20010db8000000000000000000000001"},
	{"refused", Message{Response: true, Op: Map, Result: NotAuthorized, Lifetime: 1800, Epoch: 7, ExternalAddr: netip.IPv4Unspecified()},
		"0281000200000708" + "00000007" + "000000000000000000000000" + "000000000000000000000000" + "00000000" + "00000000" + "00000000000000000000ffff00000000"},
}

func TestGolden(t *testing.T) {
	for _, c := range golden {
		want, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.m.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: Append = %x, want %x", c.name, got, want)
		}
		m, err := Decode(want)
		if err != nil {
			t.Errorf("%s: Decode: %v", c.name, err)
		} else if *m != c.m {
			t.Errorf("%s: Decode = %+v, want %+v", c.name, *m, c.m)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	mapped := golden[3].m.Append(nil)
	with := func(at int, v byte) []byte {
		b := bytes.Clone(mapped)
		b[at] = v
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "empty"},
		{"another version", with(0, 0), "version: 0: not version 2"},
		{"half a header", mapped[:12], "12 bytes, at least 24"},
		{"an odd size", mapped[:25], "multiple of 4"},
		{"half a mapping", mapped[:56], "map: 32 bytes, at least 36"},
		{"an unknown opcode", with(1, 0x80|9), "opcode: 9 unknown"},
		{"too much", make([]byte, MaxSize+4), "limit 1100"},
	} {
		if _, err := Decode(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Decode([]byte{0, 0x80, 0, 1}); !errors.Is(err, ErrVersion) {
		t.Errorf("an answer of NAT-PMP: %v, want ErrVersion", err)
	}
	m, err := Decode(golden[4].m.Append(nil)[:24])
	if err != nil || m.Result != NotAuthorized {
		t.Errorf("an error without its mapping: %+v, %v", m, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range golden {
		f.Add(c.m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(m.Append(nil))
		if err != nil {
			t.Fatalf("%x: written anew: %v", b, err)
		}
		if !m.ExternalAddr.IsValid() {
			again.ExternalAddr = m.ExternalAddr // an error may leave its mapping out
		}
		if *again != *m {
			t.Fatalf("%x: %+v, written anew %+v", b, m, again)
		}
	})
}

func TestResults(t *testing.T) {
	if got := NotAuthorized.String(); got != "not authorized" {
		t.Error(got)
	}
	if got := Result(200).String(); got != "result 200" {
		t.Error(got)
	}
}
