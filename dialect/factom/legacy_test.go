package factom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
	"parley/internal/golden"
	"parley/wire"
)

// openLegacy opens a side against the stream of an old node on the local network.
func openLegacy(t testing.TB, v uint16, dialing bool, stream []byte) (*dialect.Link, []byte, error) {
	t.Helper()
	s := &script{in: stream}
	o := opening(t, dialing, "127.0.0.1:38110", 8108, 77)
	o.Self.Network = LocalNet
	l, err := mustNew(t, Config{Version: v}).Open(s, o)
	return l, s.in, err
}

// TestLegacyStreams reads all that nodes of factomd 6.6 wrote, with the type
// numbers of two Go releases, as the first words of a dialer and of a listener.
func TestLegacyStreams(t *testing.T) {
	for _, r := range append(recordings(t, "legacy/stream_v9*", 3), recordings(t, "legacy/live_*v9*", 2)...) {
		for _, dir := range []string{"A->B", toListener, toDialer} {
			stream := r.stream(t, dir)
			if len(stream) == 0 || r.name == "stream_v9_three_parts_synthetic" {
				continue
			}
			v := V10
			if r.name == "live_p2p2v10_dials_v9" && dir == toListener {
				v = V9 // a newer node that comes down to what it meets
			}
			for _, dialing := range []bool{false, true} {
				l, rest, err := openLegacy(t, v, dialing, stream)
				if err != nil || l.Intro.Version != uint32(V9) {
					t.Errorf("%s %s: %v", r.name, dir, err)
					continue
				}
				ms, err := decodeAll(l.Decoder, rest)
				if err != nil {
					t.Errorf("%s %s: after %d messages: %v", r.name, dir, len(ms), err)
				}
				r.checkLegacy(t, dir, ms)
			}
		}
	}
}

// checkLegacy holds messages against the recorded frames, of which the first is
// the handshake.
func (r *recording) checkLegacy(t *testing.T, dir string, ms []dialect.Message) {
	t.Helper()
	fs := slices.DeleteFunc(slices.Clone(r.Frames), func(f frame) bool { return f.Dir != dir })
	n := 0
	for _, f := range fs[1:] {
		typ := uint32(f.Decoded.Header.Type)
		switch typ {
		case TypeHeartbeat, TypeAlert, TypeHandshake:
			continue // ignored
		case TypeMessagePart:
			typ = TypeMessage
		}
		if n >= len(ms) {
			break
		}
		sum := sha256.Sum256(ms[n].Body)
		if ms[n].Type != typ || hex.EncodeToString(sum[:]) != f.Decoded.PayloadSum {
			t.Errorf("%s %s: message %d has type %d and %d bytes; recorded is %s", r.name, dir, n, ms[n].Type, len(ms[n].Body), f.Meaning)
		}
		n++
	}
	if n != len(ms) || n == 0 {
		t.Errorf("%s %s: %d messages, want %d", r.name, dir, len(ms), n)
	}
}

// TestLegacyValues writes the values that old nodes wrote, byte for byte.
func TestLegacyValues(t *testing.T) {
	for _, r := range recordings(t, "legacy/stream_v9*", 3) {
		ids := gobwire.Go113
		if strings.HasSuffix(r.name, "go126") {
			ids = gobwire.Go126
		}
		for _, f := range r.Frames {
			b, h := f.bytes(t), f.Decoded.header()
			body := b[len(b)-1-f.Decoded.PayloadLen : len(b)-1]
			out := ids.AppendLong(nil, &h, len(body))
			if out = append(append(out, body...), 0); !bytes.HasSuffix(b, out) {
				t.Errorf("%s: %s: we write other bytes", r.name, f.Meaning)
			}
			if sum := wire.Koopman(body); sum != h.Crc32 {
				t.Errorf("%s: %s: checksum %08x, want %08x", r.name, f.Meaning, sum, h.Crc32)
			}
		}
	}
}

// TestLegacyTooOld refuses the streams of protocols 5, 6 and 7.
func TestLegacyTooOld(t *testing.T) {
	for _, name := range []string{"stream_v5", "stream_v6", "stream_v7", "live_v6_v6"} {
		r := recordings(t, "legacy/"+name, 1)[0]
		stream := append(r.stream(t, "A->B"), r.stream(t, toListener)...)
		for _, dialing := range []bool{true, false} {
			if _, _, err := openLegacy(t, V11, dialing, stream); !errors.Is(err, fault.Refused) || !strings.Contains(err.Error(), "minimum 9") {
				t.Errorf("%s: %v, want a version below the minimum", name, err)
			}
		}
	}
}

// TestLegacyParts puts a message of three parts together.
func TestLegacyParts(t *testing.T) {
	r := recordings(t, "legacy/stream_v9_three_parts_synthetic", 1)[0]
	d := decoder9{types: new(gobwire.Types), limit: 1 << 20, parts: newParts(1 << 20)}
	ms, err := decodeAll(&d, r.stream(t, "A->B"))
	if err != nil || len(ms) != 1 {
		t.Fatalf("%d messages and %v, want one", len(ms), err)
	}
	if ms[0].Type != TypeMessage || ms[0].For != dialect.ToApp || !bytes.Equal(ms[0].Body, pattern(9, 70000)) {
		t.Errorf("type %d with %d bytes", ms[0].Type, len(ms[0].Body))
	}
}

// pattern is the payload rule of the legacy recordings.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + seed + i/251)
	}
	return b
}

// TestLegacyValidity holds our verdict on single parcels against that of factomd
// 6.6. Where factom-p2p 1.13 differs, we follow it: it ends the link over what
// factomd gave a demerit for, and over other versions and empty payloads; it
// looks at network, node and port in the handshake only.
func TestLegacyValidity(t *testing.T) {
	var v struct {
		Cases []struct{ Case, Hex, Verdict string }
	}
	load(t, "legacy/parcel_validity", &v)
	if len(v.Cases) != 22 {
		t.Fatalf("%d cases, want 22", len(v.Cases))
	}
	ours := map[string]bool{
		"own NodeID (loopback)": true,
		"other network":         true,
		"loopback AND wrong network: loopback is checked first": true,
		"version 10 (newer is accepted)":                        false,
		"version 65535":                                         false,
		"empty payload, correct CRC 0":                          false,
	}
	for _, c := range v.Cases {
		want, differs := ours[c.Case]
		if !differs {
			want = c.Verdict == "valid"
		}
		d := decoder9{types: new(gobwire.Types), limit: 1 << 20, parts: newParts(1 << 20)}
		_, err := decodeAll(&d, golden.Bytes(t, c.Hex))
		if want != (err == nil) || err != nil && !errors.Is(err, fault.Protocol) {
			t.Errorf("%s: %v, want accepted %v", c.Case, err, want)
		}
	}
}
