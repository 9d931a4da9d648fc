package peer_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
	"parley/internal/golden"
)

// recording is what soterd did when something was written to it.
type recording struct {
	Frames []recordedFrame
	Expect struct {
		Replies   []recordedFrame `json:"peer_replies"`
		Ends      bool            `json:"peer_disconnected"`
		Seconds   int             `json:"seconds_until_disconnect"`
		Callbacks []string
		Inbound   string `json:"stats_inbound"`
		Outbound  string `json:"stats_outbound"`
	}
}

type recordedFrame struct{ Dir, Hex, Meaning string }

func (f recordedFrame) bytes(t *testing.T) []byte {
	t.Helper()
	return golden.Bytes(t, f.Hex)
}

// recordingsOf loads what package wire has.
func recordingsOf(t *testing.T, pattern string, want int) map[string]*recording {
	t.Helper()
	rs := map[string]*recording{}
	for _, path := range golden.Match(t, "../wire/testdata/"+pattern, want) {
		r := &recording{}
		golden.Load(t, path, r)
		rs[filepath.Base(path)] = r
	}
	return rs
}

// outcome is what a peer did: the replies in words, when it ended (-1 if it did not),
// and which listeners were called.
type outcome struct {
	replies string
	seconds int
	calls   string
}

// mended are the recordings whose outcome was a defect of soterd (soter.md 0 and
// 1.11) and is another one here. Empty fields are as recorded.
var mended = map[string]struct {
	why string
	outcome
}{
	"hostile_addrcache_overflow":             {"the process died", outcome{"reject addrcache 01", 0, ""}},
	"hostile_no_verack":                      {"there was no deadline for verack", outcome{"version verack", 30, ""}},
	"hostile_messages_before_verack":         {"there was no deadline for verack", outcome{"", 30, ""}},
	"hostile_version_at_minimum":             {"there was no deadline for verack", outcome{"", 30, ""}},
	"hostile_user_agent_241":                 {"the limit forgot the genesis hash", outcome{"version verack", 30, "OnVersion"}},
	"hostile_version_below_minimum":          {"the reject was never sent", outcome{"reject version 11", 0, ""}},
	"hostile_version_below_minimum_outbound": {"the reject was never sent", outcome{"version reject version 11", 0, ""}},
	"hostile_inv_short":                      {"what ends on the border of a field was taken for a closed connection", outcome{"version verack reject malformed 01", 0, ""}},
	"hostile_cfcheckpt":                      {"OnCFCheckpt was never called", outcome{"", -1, "OnVersion OnVerAck OnCFCheckpt"}},
}

// TestGoldenHostile plays what was recorded of attacks on soterd to peers, and compares
// what they do.
func TestGoldenHostile(t *testing.T) {
	for name, r := range recordingsOf(t, "hostile_*", 31) {
		t.Run(name, func(t *testing.T) {
			if name == "hostile_self_connect" {
				return // between peers of two nodes it is none; TestSelfConnection
			}
			want := outcome{summary(t, framesOf(t, r.Expect.Replies)), r.Expect.Seconds, strings.Join(r.Expect.Callbacks, " ")}
			if !r.Expect.Ends {
				want.seconds = -1
			}
			if m, ok := mended[name]; ok {
				want.seconds = m.seconds
				if m.replies != "" {
					want.replies = m.replies
				}
				if m.calls != "" {
					want.calls = m.calls
				}
			}
			synctest.Test(t, func(t *testing.T) {
				got, raw := attack(t, name, r)
				if got != want {
					t.Errorf("the outcome is\n%+v, want\n%+v", got, want)
				}
				if _, ok := mended[name]; !ok {
					sameBytes(t, raw, framesOf(t, r.Expect.Replies))
				}
			})
		})
	}
}

func framesOf(t *testing.T, fs []recordedFrame) (all [][]byte) {
	for _, f := range fs {
		all = append(all, f.bytes(t))
	}
	return all
}

// attack writes a recording to a peer, and looks at it for twenty seconds, or until it
// ends if the recording says that it does or should have.
func attack(t *testing.T, name string, r *recording) (got outcome, raw [][]byte) {
	calls := []string{}
	note := func(s string) { calls = append(calls, s) }
	cfg := config(peer.MessageListeners{
		OnVersion:    func(*peer.Peer, *wire.MsgVersion) { note("OnVersion") },
		OnVerAck:     func(*peer.Peer, *wire.MsgVerAck) { note("OnVerAck") },
		OnPing:       func(*peer.Peer, *wire.MsgPing) { note("OnPing") },
		OnTx:         func(*peer.Peer, *wire.MsgTx) { note("OnTx") },
		OnCFCheckpt:  func(*peer.Peer, *wire.MsgCFCheckpt) { note("OnCFCheckpt") },
		OnSendAddrV2: func(*peer.Peer, *wire.MsgSendAddrV2) { note("OnSendAddrV2") },
		OnBlock: func(_ *peer.Peer, m *wire.MsgBlock, _ []byte) {
			note(fmt.Sprintf("OnBlock parents=%d size=%d", len(m.Parents.Parents), m.Parents.Size))
		},
	})
	cfg.Services = wire.SFNodeNetwork
	dialer, listener := pipe()
	dialer.remote = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 18555}
	mine, theirs := dialer, listener
	if strings.HasPrefix(name, "hostile_regtest") {
		cfg.ChainParams = &chaincfg.RegressionNetParams
	}
	if name == "hostile_regtest_malformed_local" {
		listener.remote = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000}
	}
	p := peer.NewInboundPeer(cfg)
	if strings.HasSuffix(name, "_outbound") {
		p, _ = peer.NewOutboundPeer(cfg, "10.0.0.1:18555")
		mine, theirs = listener, dialer
	}
	return play(t, p, mine, theirs, r, &calls)
}

func play(t *testing.T, p *peer.Peer, mine, theirs net.Conn, r *recording, calls *[]string) (got outcome, raw [][]byte) {
	replies := make(chan []byte, 1)
	go func() {
		var all bytes.Buffer
		all.ReadFrom(mine)
		replies <- all.Bytes()
	}()
	p.AssociateConnection(theirs)
	start := time.Now()
	for _, f := range r.Frames {
		mine.Write(f.bytes(t))
	}
	got.seconds = -1
	timer := time.AfterFunc(40*time.Second, func() { mine.Close() })
	p.WaitForDisconnect()
	if timer.Stop() {
		got.seconds = int(time.Since(start).Seconds())
		mine.Close()
	}
	raw = split(<-replies)
	got.replies, got.calls = summary(t, raw), strings.Join(*calls, " ")
	return got, raw
}

// split cuts a stream into frames.
func split(b []byte) (fs [][]byte) {
	for len(b) >= wire.MessageHeaderSize {
		n := wire.MessageHeaderSize + int(b[16]) + int(b[17])<<8
		fs, b = append(fs, b[:n]), b[n:]
	}
	return fs
}

// summary names commands, and what is rejected with which code.
func summary(t *testing.T, fs [][]byte) string {
	t.Helper()
	var words []string
	for _, f := range fs {
		command := string(bytes.TrimRight(f[4:16], "\x00"))
		words = append(words, command)
		if command == wire.CmdReject {
			var j wire.MsgReject
			if err := j.BtcDecode(bytes.NewBuffer(f[24:]), wire.ProtocolVersion, wire.BaseEncoding); err != nil {
				t.Fatal(err)
			}
			words = append(words, j.Cmd, hex.EncodeToString([]byte{byte(j.Code)}))
		}
	}
	return strings.Join(words, " ")
}

// sameBytes compares replies, but for the nonces of version messages with the checksums
// that follow from them, and for the words of what is malformed. The virtual clock
// begins when soterd's did.
func sameBytes(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		return // which is an error already
	}
	for n := range got {
		a, b := slices.Clone(got[n]), slices.Clone(want[n])
		switch command := string(bytes.TrimRight(a[4:16], "\x00")); {
		case command == wire.CmdVersion:
			const nonce = 24 + 4 + 8 + 8 + 26 + 26
			clear(a[20:24])
			clear(b[20:24])
			clear(a[nonce : nonce+8])
			clear(b[nonce : nonce+8])
		case command == wire.CmdReject && bytes.Contains(a, []byte("malformed")):
			continue
		}
		if !bytes.Equal(a, b) {
			t.Errorf("reply %d is\n%x, want\n%x", n, a, b)
		}
	}
}
