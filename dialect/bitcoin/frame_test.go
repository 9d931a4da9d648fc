package bitcoin

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// codecOf returns both halves of a link of any network.
func codecOf(p Params) (*decoder, *encoder) {
	return &decoder{p: &p, net: p.Net}, &encoder{p: &p, net: p.Net}
}

// TestLimits sends each command with as much as it may have and one byte more, on
// both kinds of network.
func TestLimits(t *testing.T) {
	for name, p := range networks {
		for typ := uint32(1); typ < types; typ++ {
			d, e := codecOf(p)
			command, _ := CommandName(typ)
			limit := p.limit(typ)
			if limit == none {
				if _, err := e.Append(nil, dialect.Message{Type: typ}); !errors.Is(err, fault.Local) {
					t.Errorf("%s: %s is encoded: %v", name, command, err)
				}
				continue
			}
			body := make([]byte, limit+1)
			if ms := decodeAll(t, d, mustAppend(t, e, dialect.Message{Type: typ, Body: body[:limit]})); len(ms) != 1 || ms[0].Type != typ {
				t.Errorf("%s: %s with %d bytes is lost", name, command, limit)
			}
			if _, err := e.Append(nil, dialect.Message{Type: typ, Body: body}); !errors.Is(err, fault.Local) {
				t.Errorf("%s: %s with %d bytes is encoded: %v", name, command, limit+1, err)
			}
			if m, _, _ := d.Next(frameOf(p, command, body)[:headerSize]); m.Type != TypeMalformed {
				t.Errorf("%s: %s with %d bytes is type %d", name, command, limit+1, m.Type)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for typ := uint32(1); typ < types; typ++ {
		name, ok := CommandName(typ)
		if !ok || name == "" || len(name) > commandSize || TypeOf(name) != typ {
			t.Errorf("type %d is %q, which is type %d", typ, name, TypeOf(name))
		}
	}
	for _, typ := range []uint32{TypeOther, TypeMalformed, 1 << 31} {
		if name, ok := CommandName(typ); ok {
			t.Errorf("type %d has the name %q", typ, name)
		}
	}
	for _, s := range []string{"", "novel", "getaddrcacheX"} {
		if typ := TypeOf(s); typ != TypeOther {
			t.Errorf("%q has type %d", s, typ)
		}
	}
}

// TestOther passes a command without a number through a Bitcoin link.
func TestOther(t *testing.T) {
	d, e := codecOf(BitcoinSim())
	m, err := Other("cmpctblock", []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	wire := mustAppend(t, e, m)
	if !bytes.Equal(wire, frameOf(BitcoinSim(), "cmpctblock", []byte("payload"))) {
		t.Errorf("written as %x", wire)
	}
	ms := decodeAll(t, d, wire)
	if len(ms) != 1 || ms[0].Type != TypeOther || ms[0].For != app {
		t.Fatalf("read as %+v", ms)
	}
	name, payload, err := SplitOther(ms[0])
	if name != "cmpctblock" || string(payload) != "payload" || err != nil {
		t.Errorf("split into %q and %q with error %v", name, payload, err)
	}
	for _, bad := range []string{"", "thirteen byte", "a\x00b", "\xff"} {
		if _, err := Other(bad, nil); err == nil {
			t.Errorf("%q is a command", bad)
		}
	}
	if _, err := Other("novel", make([]byte, maxOther+1)); err == nil {
		t.Error("too large a payload is taken")
	}
	for what, spoil := range map[string]func(b []byte) []byte{
		"short":    func(b []byte) []byte { return b[:19] },
		"name":     func(b []byte) []byte { return append([]byte("tx\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), b[12:]...) },
		"length":   func(b []byte) []byte { b[12]++; return b },
		"checksum": func(b []byte) []byte { b[16]++; return b },
	} {
		bad := m.Clone()
		bad.Body = spoil(bad.Body)
		if _, err := e.Append(nil, bad); !errors.Is(err, fault.Local) {
			t.Errorf("a wrong %s is encoded: %v", what, err)
		}
	}
}

// TestOtherKindsCommands makes sure that each network calls the commands of the
// other unknown.
func TestOtherKindsCommands(t *testing.T) {
	d, _ := codecOf(BitcoinSim())
	ms := decodeAll(t, d, frameOf(BitcoinSim(), "getaddrcache", nil))
	if ms[0].Type != TypeOther || !bytes.HasPrefix(ms[0].Body, []byte("getaddrcache")) {
		t.Errorf("getaddrcache on Bitcoin is %+v", ms[0])
	}
	if name, _, err := SplitOther(ms[0]); name != "getaddrcache" || err != nil {
		t.Errorf("getaddrcache on Bitcoin is split into %q, %v", name, err)
	}
	d, _ = codecOf(SoterSim())
	if ms := decodeAll(t, d, frameOf(SoterSim(), "addrv2", nil)); ms[0].Type != TypeMalformed {
		t.Errorf("addrv2 on Soter is %+v", ms[0])
	}
}

// TestEverything gives the application what is for the session, too: in the same
// order, each with its payload.
func TestEverything(t *testing.T) {
	d, e := codecOf(SoterSim())
	d.both = true
	ping, pong := bytes.Repeat([]byte{1}, 8), bytes.Repeat([]byte{2}, 8)
	var b []byte
	for _, m := range []dialect.Message{{Type: TypePing, Body: ping}, {Type: TypeTx, Body: []byte("tx")}, {Type: TypeVerAck}, {Type: TypePong, Body: pong}} {
		b = append(b, mustAppend(t, e, m)...)
	}
	want := []dialect.Message{
		{Type: TypePing, For: session, Body: ping}, {Type: TypePing, For: app, Body: ping},
		{Type: TypeTx, For: app, Body: []byte("tx")},
		{Type: TypeVerAck, For: app | session, Body: []byte{}},
		{Type: TypePong, For: session, Body: pong}, {Type: TypePong, For: app, Body: pong},
	}
	got := decodeAll(t, d, b)
	same := func(a, b dialect.Message) bool {
		return a.Type == b.Type && a.For == b.For && bytes.Equal(a.Body, b.Body)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	d.Next(b[:headerSize+8])
	if m, n, err := d.Next(b[headerSize : headerSize+5]); m.For != 0 || n != 8 || err != nil {
		t.Errorf("with half a payload: %+v, %d, %v", m, n, err)
	}
}

// TestAnswersAreToldOnce marks one answer of a kind in each batch of bytes.
func TestAnswersAreToldOnce(t *testing.T) {
	d, e := codecOf(SoterSim())
	d.watch = true
	tx := mustAppend(t, e, dialect.Message{Type: TypeTx, Body: []byte("some transaction")})
	inv := mustAppend(t, e, dialect.Message{Type: TypeInv, Body: []byte{0}})
	told := func(b []byte) (n int) {
		for _, m := range decodeAll(t, d, b) {
			if m.For&app == 0 {
				t.Errorf("type %d is not for the application", m.Type)
			}
			if m.For&session != 0 {
				n++
			}
		}
		return n
	}
	if n := told(bytes.Repeat(tx, 100)); n != 1 {
		t.Errorf("of 100 transactions the session is told %d times, want once", n)
	}
	if n := told(slices.Concat(tx, inv, tx, inv, tx)); n != 2 {
		t.Errorf("of two kinds the session is told %d times, want twice", n)
	}
	d.Next(tx[:headerSize+3])
	if n := told(tx); n != 1 {
		t.Errorf("of a message in pieces the session is told %d times, want once", n)
	}
	d.watch = false
	if n := told(tx); n != 0 {
		t.Errorf("the session is told %d times of what it does not watch", n)
	}
}

// TestMalformedOnce lets nothing follow what is malformed.
func TestMalformedOnce(t *testing.T) {
	d, e := codecOf(SoterSim())
	bad := frameOf(SoterSim(), "novel", nil)
	b := slices.Concat(bad, bad, mustAppend(t, e, dialect.Message{Type: TypeGetAddr}))
	ms := decodeAll(t, d, b)
	if len(ms) != 1 || ms[0].Type != TypeMalformed || !strings.Contains(string(ms[0].Body), "novel") {
		t.Errorf("decoded as %+v", ms)
	}
	if _, n, err := d.Next(nil); n != 1 || err != nil {
		t.Errorf("afterwards it asks for %d bytes, error %v", n, err)
	}
}

// TestLenient passes over what is malformed, wherever the stream is cut.
func TestLenient(t *testing.T) {
	p := SoterRegTest()
	_, e := codecOf(p)
	good := mustAppend(t, e, dialect.Message{Type: TypePing, Body: make([]byte, 8)})
	spoiled := frameOf(p, "tx", []byte("abc"))
	spoiled[20]++
	b := slices.Concat(frameOf(p, "novel", []byte("payload")), good, spoiled, frameOf(SoterSim(), "tx", []byte("x")), good, frameOf(p, "ping", make([]byte, 9)), good)
	for cut := range b {
		d, _ := codecOf(p)
		d.lenient = true
		var count int
		var left []byte
		for _, part := range [][]byte{b[:cut], b[cut:]} {
			part = append(left, part...)
			left = nil
			for len(part) > 0 {
				m, n, err := d.Next(part)
				if err != nil {
					t.Fatal(err)
				}
				if n > len(part) {
					left = part
					break
				}
				if part = part[n:]; m.For != 0 {
					count++
				}
			}
		}
		if count != 3 {
			t.Fatalf("cut at %d: %d messages, want 3", cut, count)
		}
	}
	d, _ := codecOf(p)
	d.lenient = true
	huge := frameOf(p, "tx", nil)
	huge[19] = 0x7f
	if m, _, _ := d.Next(huge); m.Type != TypeMalformed {
		t.Errorf("more than 32 MiB are passed over: %+v", m)
	}
}
