package factom

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// versions are the link versions of recordings that do not name theirs.
func (r *recording) version(side string) uint32 {
	text := r.Outcome.Negotiated[side]
	if text == "" {
		text, _, _ = strings.Cut(strings.TrimPrefix(r.name, "raw_"), "_")
	}
	return map[string]uint32{"v9": 9, "v10": 10, "v11": 11}[text]
}

// handshake returns the frames of one side's handshake.
func (r *recording) handshake(t testing.TB, dir string) (b []byte) {
	for _, f := range r.Frames {
		if f.Dir == dir {
			b = append(b, f.bytes(t)...)
			if strings.Contains(f.Meaning, "handshake") || strings.Contains(f.Meaning, "V11Handshake") {
				return b
			}
		}
	}
	return b
}

// TestGoldenOpen plays both sides of every recording in which two real nodes
// came to talk. What we write must be what the recorded node wrote, and all that
// the other one wrote afterwards must arrive.
func TestGoldenOpen(t *testing.T) {
	rs := slices.Concat(recordings(t, "p2p/*_session*", 4), recordings(t, "p2p/cross_dial*", 6), recordings(t, "p2p/*_empty_*", 5))
	for _, r := range rs {
		t.Run(r.name, func(t *testing.T) {
			for side, dirs := range map[string][2]string{"dialer": {toListener, toDialer}, "listener": {toDialer, toListener}} {
				l, s, err := r.play(t, side, nil)
				if err != nil {
					t.Fatalf("%s: %v", side, err)
				}
				if l.Intro.Version != r.version(side) {
					t.Errorf("%s: version %d, want %d", side, l.Intro.Version, r.version(side))
				}
				theirs := r.handshake(t, dirs[1])
				if want := len(r.stream(t, dirs[1])) - len(theirs); len(s.in) != want {
					t.Errorf("%s: %d bytes left, want %d", side, len(s.in), want)
				}
				if ours := r.handshake(t, dirs[0]); !bytes.Equal(s.out.Bytes(), ours) && !strings.HasSuffix(r.name, "ids65") {
					t.Errorf("%s: we write\n% x, recorded is\n% x", side, s.out.Bytes(), ours)
				}
				r.checkArrival(t, l, s.in, dirs[1])
				r.checkSending(t, l, dirs[0])
			}
		})
	}
}

// parcels returns the frames of one side that are parcels, not handshakes.
func (r *recording) parcels(dir string) (fs []frame) {
	for _, f := range r.Frames {
		if f.Dir == dir && strings.Contains(f.Meaning, "parcel") || f.Decoded.Message == "V11Msg" && f.Dir == dir {
			fs = append(fs, f)
		}
	}
	return fs
}

func (d *decoded) parcelType() uint32 {
	if d.Header != nil {
		return uint32(d.Header.Type)
	}
	return d.Type
}

// checkArrival decodes what followed a handshake.
func (r *recording) checkArrival(t *testing.T, l *dialect.Link, rest []byte, dir string) {
	t.Helper()
	ms, err := decodeAll(l.Decoder, rest)
	bad := strings.HasSuffix(r.name, "empty_payload") && dir == toListener
	if bad != errors.Is(err, fault.Protocol) || !bad && err != nil {
		t.Errorf("%s: decoding ends with %v", dir, err)
	}
	want := r.parcels(dir)
	if bad {
		want = want[:len(want)-1]
	}
	if len(ms) != len(want) {
		t.Fatalf("%s: %d messages, want %d", dir, len(ms), len(want))
	}
	for i, m := range ms {
		d := &want[i].Decoded
		if m.Type != d.parcelType() || !bytes.Equal(m.Body, d.payload(t)) {
			t.Errorf("%s: message %d has type %d and %d bytes; recorded is %s", dir, i, m.Type, len(m.Body), want[i].Meaning)
		}
	}
}

// checkSending sends what the recorded node sent. Its bytes must come out, but
// for the target that it names in V9 and we do not.
func (r *recording) checkSending(t *testing.T, l *dialect.Link, dir string) {
	t.Helper()
	ours := bytes.Clone(l.Prelude)
	var theirs []byte
	for _, f := range r.Frames {
		if f.Dir == dir && f.Decoded.Struct != nil && f.Decoded.Struct.Name == "V10Msg" {
			theirs = append(theirs, f.bytes(t)...)
		}
	}
	for _, f := range r.parcels(dir) {
		d := &f.Decoded
		m := dialect.Message{Type: d.parcelType(), Body: d.payload(t)}
		if len(m.Body) == 0 {
			if _, err := l.Encoder.Append(nil, m); !errors.Is(err, fault.Local) {
				t.Errorf("an empty payload gives %v, want a local fault", err)
			}
			continue
		}
		if d.Header != nil && d.Header.TargetPeer != "" || strings.HasSuffix(r.name, "ids65") {
			continue
		}
		var err error
		if ours, err = l.Encoder.Append(ours, m); err != nil {
			t.Fatal(err)
		}
		if d.Message == "V11Msg" {
			theirs = append(theirs, 0, byte(len(f.bytes(t))>>16), byte(len(f.bytes(t))>>8), byte(len(f.bytes(t))))
		}
		theirs = append(theirs, f.bytes(t)...)
	}
	if len(theirs) > 0 && !bytes.Equal(ours, theirs) {
		t.Errorf("%s: we write %d other bytes than the %d recorded", dir, len(ours), len(theirs))
	}
}

// TestGoldenReject plays both sides of every recorded reject. As the listener
// we reject in the dialer's encoding; the original does in its own.
func TestGoldenReject(t *testing.T) {
	rs := append(recordings(t, "p2p/*reject_*", 9), recordings(t, "p2p/*_banned_ip", 2)...)
	for _, r := range rs {
		if strings.HasPrefix(r.name, "raw_") {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			offer := addrs(t, r.Outcome.Offers)
			_, s, err := r.play(t, "dialer", errors.New("must not be asked"))
			if got, ok := errors.AsType[*dialect.Refusal](err); !ok || !slices.Equal(got.Offer, offer) || !errors.Is(err, fault.Refused) {
				t.Errorf("dialer: %v with %+v, want a refusal with %v", err, got, offer)
			}
			if !bytes.Equal(s.out.Bytes(), r.handshake(t, toListener)) {
				t.Error("dialer: we write other bytes")
			}
			refusal := &dialect.Refusal{Reason: "full", Offer: offer}
			_, s, err = r.play(t, "listener", refusal)
			if got, ok := errors.AsType[*dialect.Refusal](err); !ok || got != refusal || !errors.Is(err, fault.Refused) {
				t.Errorf("listener: %v, want our refusal", err)
			}
			theirs := r.stream(t, toDialer)
			dialer11 := bytes.HasPrefix(r.stream(t, toListener), []byte(signature))
			if bytes.HasPrefix(theirs, []byte(signature)) == dialer11 && !bytes.Equal(s.out.Bytes(), theirs) {
				t.Errorf("listener: we write\n% x, recorded is\n% x", s.out.Bytes(), theirs)
			}
			if dialer11 != bytes.HasPrefix(s.out.Bytes(), []byte(signature)) {
				t.Error("listener: the reject is not in the dialer's encoding")
			}
		})
	}
}

// TestGoldenRefused plays recordings whose listener closed without a word.
func TestGoldenRefused(t *testing.T) {
	rs := append(recordings(t, "p2p/*_wrong_network", 3), recordings(t, "p2p/below_minimum_*", 2)...)
	for _, r := range rs {
		_, s, err := r.play(t, "listener", nil)
		if !errors.Is(err, fault.Refused) || s.out.Len() != 0 {
			t.Errorf("%s: listener ends with %v and wrote %d bytes, want a refusal and none", r.name, err, s.out.Len())
		}
		_, s, err = r.play(t, "dialer", nil)
		if fault.KindOf(err) != fault.IO || !errors.Is(err, io.EOF) {
			t.Errorf("%s: dialer ends with %v, want EOF", r.name, err)
		}
		if !bytes.Equal(s.out.Bytes(), r.handshake(t, toListener)) {
			t.Errorf("%s: dialer writes other bytes", r.name)
		}
	}
}

// TestGoldenSelf plays a node that dials itself: both halves find out, because
// the listening one answers before it gives up.
func TestGoldenSelf(t *testing.T) {
	for _, r := range recordings(t, "p2p/*_loopback_self", 3) {
		for side, dir := range map[string]string{"dialer": toListener, "listener": toDialer} {
			_, s, err := r.play(t, side, nil)
			if !errors.Is(err, dialect.ErrSelf) || fault.KindOf(err) != fault.Local {
				t.Errorf("%s: %s ends with %v", r.name, side, err)
			}
			if !bytes.Equal(s.out.Bytes(), r.handshake(t, dir)) {
				t.Errorf("%s: %s writes other bytes", r.name, side)
			}
		}
	}
}
