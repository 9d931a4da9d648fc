package toy

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
	"parley/internal/golden"
)

// script is a connection whose other end has said everything it will say.
type script struct {
	io.Reader
	wrote bytes.Buffer
}

func (s *script) Write(p []byte) (int, error) { return s.wrote.Write(p) }

// play runs one side of an opening against recorded bytes and returns what was
// left unread and what was written.
func play(t testing.TB, dialing bool, heard string, admit error) (l *dialect.Link, wrote, rest string, err error) {
	t.Helper()
	in := bytes.NewReader(golden.Bytes(t, heard))
	rw := &script{Reader: in}
	l, err = New(Config{}).Open(rw, &dialect.Opening{
		Dialing: dialing,
		Remote:  addr.Addr{Host: "peer.example", Port: 1},
		Self:    dialect.Self{Network: 7, Nonce: 2, Listen: addr.Addr{Port: 0x1234}},
		Admit:   func(dialect.Intro) error { return admit },
	})
	left, _ := io.ReadAll(in)
	return l, hex.EncodeToString(rw.wrote.Bytes()), hex.EncodeToString(left), err
}

const (
	ours   = "07000000" + "0200000000000000" + "3412"
	theirs = "07000000" + "0100000000000000" + "2a00"
)

func TestOpenBytes(t *testing.T) {
	full := &dialect.Refusal{Reason: "full", Offer: []addr.Addr{{Host: "a.b", Port: 9}, {Host: "no.port"}}}
	refusal := "00" + "0c00" + "04" + hex.EncodeToString([]byte("full")) + "0500" + hex.EncodeToString([]byte("a.b:9"))
	tests := []struct {
		name    string
		dialing bool
		heard   string
		admit   error
		wrote   string
		rest    string
		want    error
	}{
		{name: "dialer", dialing: true, heard: theirs + "01ff", wrote: ours + "01", rest: "ff"},
		{name: "listener", heard: theirs + "01ff", wrote: ours + "01", rest: "ff"},
		{name: "dialer is refused", dialing: true, heard: theirs + refusal, wrote: ours, want: fault.Refused},
		{name: "listener is refused", heard: theirs + refusal, wrote: ours + "01", want: fault.Refused},
		{name: "dialer refuses", dialing: true, heard: theirs + "01", admit: full, wrote: ours + refusal, want: fault.Refused},
		{name: "listener refuses", heard: theirs, admit: full, wrote: ours + refusal, want: fault.Refused},
		{name: "the node stops meanwhile", heard: theirs, admit: io.ErrClosedPipe, wrote: ours, want: io.ErrClosedPipe},
		{name: "ourselves", heard: ours, wrote: ours, want: dialect.ErrSelf},
		{name: "another network", heard: "08" + theirs[2:], wrote: ours, want: fault.Protocol},
		{name: "neither yes nor no", heard: theirs + "02", wrote: ours + "01", want: fault.Protocol},
		{name: "refusal over its limit", dialing: true, heard: theirs + "00ffff", wrote: ours, want: fault.Protocol},
		{name: "refusal without reason", dialing: true, heard: theirs + "000000", wrote: ours, want: fault.Protocol},
		{name: "reason is cut off", dialing: true, heard: theirs + "000200" + "0241", wrote: ours, want: fault.Protocol},
		{name: "offer is cut off", dialing: true, heard: theirs + "000200" + "0041", wrote: ours, want: fault.Protocol},
		{name: "half a hello", heard: theirs[:20], want: io.ErrUnexpectedEOF},
		{name: "no verdict", heard: theirs, wrote: ours + "01", want: io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, wrote, rest, err := play(t, tt.dialing, tt.heard, tt.admit)
			if !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
			if (l != nil) != (tt.want == nil) {
				t.Errorf("link is %v with error %v", l, err)
			}
			if wrote != tt.wrote || rest != tt.rest {
				t.Errorf("wrote %s and left %s,\nwant  %s and     %s", wrote, rest, tt.wrote, tt.rest)
			}
		})
	}
}

func TestOpenIntro(t *testing.T) {
	l, _, _, err := play(t, true, theirs+"01", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := dialect.Intro{ID: "0000000000000001", Nonce: 1, Version: 1, Listen: addr.Addr{Host: "peer.example", Port: 42}}
	if l.Intro != want {
		t.Errorf("intro is %+v, want %+v", l.Intro, want)
	}
	if l.Shared == "" {
		t.Error("links do not share their encoding")
	}
}

func TestRefusalKeepsItsOffer(t *testing.T) {
	long := strings.Repeat("x", 300)
	offer := make([]addr.Addr, 20)
	for i := range offer {
		offer[i] = addr.Addr{Host: "a.example", Port: uint16(i + 1)}
	}
	b := appendRefusal(nil, &dialect.Refusal{Reason: long, Offer: offer})
	r, ok := errors.AsType[*dialect.Refusal](hear(bytes.NewReader(b)))
	if !ok {
		t.Fatal("a refusal is not read back as one")
	}
	if r.Reason != long[:maxReason] || len(r.Offer) != maxOffer || r.Offer[7] != offer[7] {
		t.Errorf("a reason of %d bytes and offer %v, want the first %d bytes and %d addresses",
			len(r.Reason), r.Offer, maxReason, maxOffer)
	}
}

// FuzzHear feeds arbitrary verdicts. What is understood as a refusal must be
// written again so that it is understood alike.
func FuzzHear(f *testing.F) {
	f.Add([]byte{yes})
	f.Add(appendRefusal(nil, &dialect.Refusal{Reason: "full", Offer: []addr.Addr{{Host: "a.b", Port: 9}}}))
	f.Add([]byte{no, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := errors.AsType[*dialect.Refusal](hear(bytes.NewReader(b)))
		if !ok {
			return
		}
		again, ok := errors.AsType[*dialect.Refusal](hear(bytes.NewReader(appendRefusal(nil, r))))
		if !ok || again.Reason != r.Reason || len(again.Offer) != len(r.Offer) {
			t.Fatalf("%+v became %+v", r, again)
		}
	})
}
