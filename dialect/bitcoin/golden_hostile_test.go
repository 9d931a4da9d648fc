package bitcoin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// outcome is what a peer does about what it is sent.
type outcome struct {
	replies []frame
	ends    bool
	seconds int
}

// verdict is the outcome that soterd had.
type verdict struct {
	Replies []frame `json:"peer_replies"`
	Ends    bool    `json:"peer_disconnected"`
	Seconds int     `json:"seconds_until_disconnect"`
}

// mended are the recordings whose outcome was a defect of soterd (soter.md 0 and
// 1.11), with the outcome that is right. Replies are commands; those of soterd
// stand where there are none.
var mended = map[string]struct {
	why     string
	replies string
	seconds int
}{
	"addrcache_overflow":             {"the process died", "reject addrcache 01", 0},
	"no_verack":                      {"there was no deadline for verack", "version verack", 30},
	"messages_before_verack":         {"there was no deadline for verack", "", 30},
	"version_at_minimum":             {"there was no deadline for verack", "", 30},
	"user_agent_241":                 {"the limit forgot the genesis hash", "version verack", 30},
	"version_below_minimum":          {"the reject was never sent", "reject version 11", 0},
	"version_below_minimum_outbound": {"the reject was never sent", "version reject version 11", 0},
	"inv_short":                      {"what ends on the border of a field was taken for a closed connection", "version verack reject malformed 01", 0},
}

// TestGoldenHostile sends what a hostile peer sends and compares the replies, and
// when the link ends, with what soterd did, or with what it should have done.
func TestGoldenHostile(t *testing.T) {
	for _, r := range recordings(t, "hostile_*", 31) {
		name := strings.TrimPrefix(r.name, "hostile_")
		t.Run(name, func(t *testing.T) {
			var v verdict
			if err := json.Unmarshal(r.Expect, &v); err != nil {
				t.Fatal(err)
			}
			got := r.attack(t, name)
			want := outcome{v.Replies, v.Ends, max(0, v.Seconds)}
			m, isMended := mended[name]
			if isMended {
				want.ends, want.seconds = true, m.seconds
			}
			if name == "silence" {
				want.seconds = 0 // the limit of the whole exchange is the node's
			}
			if got.ends != want.ends || got.seconds != want.seconds {
				t.Errorf("ends %v after %d s, want %v after %d s", got.ends, got.seconds, want.ends, want.seconds)
			}
			if isMended && m.replies != "" {
				if s := summary(t, got.replies); s != m.replies {
					t.Errorf("replies %q, want %q", s, m.replies)
				}
				return
			}
			sameReplies(t, got.replies, want.replies)
		})
	}
}

// sameReplies compares bytes, but for the words of a reject of something malformed.
func sameReplies(t *testing.T, got, want []frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("replies %q, want %q", summary(t, got), summary(t, want))
		return
	}
	for i := range got {
		s := summary(t, want[i:i+1])
		if got[i].Hex != want[i].Hex && (s != "reject malformed 01" || s != summary(t, got[i:i+1])) {
			t.Errorf("reply %d is %s, want %s", i, got[i].Hex, want[i].Hex)
		}
	}
}

// summary names commands, and what is rejected with which code.
func summary(t *testing.T, fs []frame) string {
	t.Helper()
	var words []string
	for _, f := range fs {
		b := f.bytes(t)
		p := padded(b[4:])
		name, _ := p.text()
		words = append(words, name)
		if name == "reject" {
			var j Reject
			if err := j.Parse(b[headerSize:]); err != nil {
				t.Fatal(err)
			}
			words = append(words, j.Command, hex.EncodeToString([]byte{byte(j.Code)}))
		}
	}
	return strings.Join(words, " ")
}

// conn is a connection to somebody who has already said all they will say.
type conn struct {
	in  []byte
	out bytes.Buffer
}

func (c *conn) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *conn) Write(p []byte) (int, error) { return c.out.Write(p) }

// recordedNonce is what the recorded peers drew.
const recordedNonce = 0x759e421e454dfff3

// recordedOpening is how soterd was configured when it was recorded.
func recordedOpening(dialing bool, remote addr.Addr) *dialect.Opening {
	return &dialect.Opening{
		Dialing: dialing, Remote: remote, Now: start,
		Self:  dialect.Self{Nonce: recordedNonce, Agent: "/soterwire:0.6.0/peer:1.0.0/"},
		Admit: func(dialect.Intro) error { return nil },
	}
}

// attack plays a recorded attack on one link, for a minute after its last frame
// but in no time.
func (r *recording) attack(t *testing.T, name string) (got outcome) {
	t.Helper()
	p, remote, dialing := SoterSim(), "10.0.0.2:50000", false
	switch {
	case name == "regtest_malformed_local":
		p, remote = SoterRegTest(), "127.0.0.1:50000"
	case name == "regtest_malformed_remote":
		p = SoterRegTest()
	case strings.HasSuffix(name, "_outbound"):
		remote, dialing = "10.0.0.1:18555", true
	}
	cfg := Config{Params: p, Services: ServiceNetwork}
	c := new(conn)
	for _, f := range r.Frames {
		c.in = append(c.in, f.bytes(t)...)
	}
	l, err := mustNew(t, cfg).Open(c, recordedOpening(dialing, mustAddr(t, remote)))
	if err != nil {
		if name == "self_connect" && !errors.Is(err, dialect.ErrSelf) {
			t.Errorf("ends with %v, want %v", err, dialect.ErrSelf)
		}
		return outcome{replies: split(t, c.out.Bytes()), ends: true}
	}
	b := newBrain(t, cfg)
	b.join(1, l.Intro)
	for _, m := range decodeAll(t, l.Decoder, c.in) {
		if m.For&session != 0 {
			b.hear(1, m.Type, m.Body)
		}
	}
	b.run(time.Minute)
	for _, s := range b.out {
		if c.out.Write(mustAppend(t, l.Encoder, s.Message)); s.Type == TypeReject && len(b.ended) == 0 {
			t.Error("a reject was sent, and the link goes on")
		}
	}
	got = outcome{replies: split(t, c.out.Bytes()), ends: len(b.ended) > 0, seconds: int(b.endedAt.Seconds())}
	if k := fault.KindOf(b.ended[1]); got.ends && k != fault.Protocol && k != fault.Timeout {
		t.Errorf("ends with %v of kind %v", b.ended[1], k)
	}
	return got
}

func mustAppend(t testing.TB, e dialect.Encoder, m dialect.Message) []byte {
	t.Helper()
	b, err := e.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// split cuts what we wrote into frames.
func split(t *testing.T, b []byte) (fs []frame) {
	t.Helper()
	for len(b) > 0 {
		n := headerSize + int(b[16]) + int(b[17])<<8
		fs = append(fs, frame{Hex: hex.EncodeToString(b[:n])})
		b = b[n:]
	}
	return fs
}
