package factom

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// TestGoldenRaw plays a listener against recorded scripts of odd dialers. It must
// let in, deliver and end what the recorded one did, and write the same.
func TestGoldenRaw(t *testing.T) {
	for _, r := range recordings(t, "p2p/raw_*", 17) {
		t.Run(r.name, func(t *testing.T) {
			l, s, err := r.play(t, "listener", nil)
			theirs := r.stream(t, toDialer)
			if len(theirs) == 0 {
				r.checkSilence(t, s, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := r.Outcome.PeerHash; want != "" && l.Intro.ID != want {
				t.Errorf("peer hash %q, want %q", l.Intro.ID, want)
			}
			wrote := greeting(t, s.out.Bytes(), l)
			if !bytes.Equal(wrote, theirs) {
				t.Errorf("we write\n% x, recorded is\n% x", wrote, theirs)
			}
			r.checkScript(t, l, s.in)
		})
	}
}

// greeting appends to a handshake what the rules say at once.
func greeting(t *testing.T, wrote []byte, l *dialect.Link) []byte {
	t.Helper()
	v := newView()
	for _, s := range []string{"203.0.113.7:8108", "198.51.100.23:8110", "192.0.2.200:65535"} {
		v.share = append(v.share, mustAddr(t, s))
	}
	var out dialect.Out
	mustNew(t, Config{}).Rules(v).Join(start, 1, l.Intro, &out)
	for _, send := range out.Send {
		var err error
		if wrote, err = l.Encoder.Append(wrote, send.Msg); err != nil {
			t.Fatal(err)
		}
	}
	return wrote
}

// checkSilence wants an error for what was closed without a word. Where the
// original waited for more, our script ends instead.
func (r *recording) checkSilence(t *testing.T, s *script, err error) {
	t.Helper()
	want := fault.Protocol
	if r.name == "raw_silent" || r.name == "raw_garbage_http" {
		want = fault.IO
	}
	if fault.KindOf(err) != want || s.out.Len() != 0 {
		t.Errorf("ends with %v after writing %d bytes, want %v and none", err, s.out.Len(), want)
	}
}

// checkScript decodes what came after the handshake.
func (r *recording) checkScript(t *testing.T, l *dialect.Link, rest []byte) {
	t.Helper()
	ms, err := decodeAll(l.Decoder, rest)
	if closed := strings.HasPrefix(r.Outcome.After, "closed"); closed != errors.Is(err, fault.Protocol) || !closed && err != nil {
		t.Errorf("decoding ends with %v; the original: %s", err, r.Outcome.After)
	}
	var got []string
	for _, m := range ms {
		if m.For == dialect.ToApp {
			got = append(got, string(m.Body))
		}
	}
	want := ""
	if d := r.Outcome.Delivered; d != nil && r.name != "raw_v9_messagepart" {
		want = d.Payload // of a part the original makes a message; we wait for the others
	}
	if strings.Join(got, "\n") != want {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

// TestHandshakeRules tries handshakes that the recordings do not have.
func TestHandshakeRules(t *testing.T) {
	good := Handshake{Network: testNetwork, Version: V11, Type: TypeHandshake, NodeID: 7, ListenPort: "8108", Nonce: 9}
	tests := []struct {
		name string
		edit func(h *Handshake)
		want fault.Kind // None if it is to be let in
	}{
		{"good", func(*Handshake) {}, fault.None},
		{"no nonce", func(h *Handshake) { h.Nonce = 0 }, fault.None},
		{"any newer version", func(h *Handshake) { h.Version = 999 }, fault.None},
		{"old version", func(h *Handshake) { h.Version = 8 }, fault.Refused},
		{"no version", func(h *Handshake) { h.Version = 0 }, fault.Refused},
		{"other network", func(h *Handshake) { h.Network++ }, fault.Refused},
		{"own nonce", func(h *Handshake) { h.Nonce = 2 }, fault.Local},
		{"port zero", func(h *Handshake) { h.ListenPort = "0" }, fault.Protocol},
		{"no port", func(h *Handshake) { h.ListenPort = "" }, fault.Protocol},
		{"large port", func(h *Handshake) { h.ListenPort = "65536" }, fault.Protocol},
		{"negative port", func(h *Handshake) { h.ListenPort = "-1" }, fault.Protocol},
		{"port in words", func(h *Handshake) { h.ListenPort = "http" }, fault.Protocol},
		{"endless port", func(h *Handshake) { h.ListenPort = strings.Repeat("0", 100) + "8108" }, fault.Protocol},
		{"message as opener", func(h *Handshake) { h.Type = TypeMessage }, fault.None},
		{"type 65544 is cut to 8", func(h *Handshake) { h.Type = 65544 }, fault.None},
		{"too many alternatives", func(h *Handshake) { h.Alternatives = make([]Endpoint, 513) }, fault.Protocol},
	}
	d := mustNew(t, Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := good
			tt.edit(&h)
			s := &script{in: h.append11(nil)}
			l, err := d.Open(s, opening(t, false, "[2001:db8::7]:50000", 8108, 2))
			if fault.KindOf(err) != tt.want {
				t.Fatalf("ends with %v, want %v", err, tt.want)
			}
			if err == nil && (l.Intro.ID != "2001:db8::7:8108 00000007" || l.Intro.Listen != mustAddr(t, "[2001:db8::7]:8108")) {
				t.Errorf("introduced as %q at %v", l.Intro.ID, l.Intro.Listen)
			}
		})
	}
}

// TestNoPort opens for a node that listens nowhere: it claims the usual port,
// because peers would refuse none.
func TestNoPort(t *testing.T) {
	o := opening(t, true, "127.0.0.1:1", 0, 1)
	o.Self.Listen = addr.Addr{}
	var s script
	if _, err := mustNew(t, Config{}).Open(&s, o); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var h Handshake
	if err := h.parse11(s.out.Bytes()[8:], 0); err != nil || h.ListenPort != "8108" {
		t.Errorf("port %q and %v, want 8108", h.ListenPort, err)
	}
}
