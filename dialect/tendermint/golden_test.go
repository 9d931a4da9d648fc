package tendermint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/dialect"
	"parley/fault"
	"parley/internal/golden"
)

// recording is one golden file: what real nodes wrote and what they did with
// what was written to them.
type recording struct {
	Inputs map[string]any
	Frames []recorded
}

type recorded struct {
	Dir     string
	Hex     string
	Meaning string
	Extra   json.RawMessage
}

var releases = []string{"v0.38.26", "v1.0.1"}

func load(t testing.TB, name string, least int) (r recording) {
	t.Helper()
	golden.Load(t, "testdata/"+name, &r)
	if len(r.Frames) < least {
		t.Fatalf("%s has %d frames, want %d", name, len(r.Frames), least)
	}
	return r
}

func (f *recorded) bytes(t testing.TB) []byte { return unhex(t, f.Hex) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	return golden.Bytes(t, s)
}

// tableOf declares channels with the same limit and rising priorities, without
// peer exchange.
func tableOf(t testing.TB, limit int, ids ...byte) *table {
	t.Helper()
	var cs []Channel
	for i, id := range ids {
		cs = append(cs, Channel{ID: id, Priority: i + 1, MaxMessage: limit})
	}
	tb, err := newTable(cs, false, 256)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

// pattern is the body of most recorded messages.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// readAll decodes a stream of packets and clones what is in it.
func readAll(d dialect.Decoder, buf []byte) (ms []dialect.Message, rest []byte, err error) {
	for len(buf) > 0 {
		m, n, err := d.Next(buf)
		if err != nil || n > len(buf) {
			return ms, buf, err
		}
		if buf = buf[n:]; m.For != 0 {
			ms = append(ms, m.Clone())
		}
	}
	return ms, buf, nil
}

// sent is a message whose packets are recorded one by one.
type sent struct {
	meaning string // how the recorded meanings begin
	m       dialect.Message
}

func msg(channel uint32, body []byte) dialect.Message {
	return dialect.Message{Type: channel, For: dialect.ToApp, Body: body}
}

// sends encodes messages and compares the packets with all that is recorded as
// going out, in its order. It also decodes them again.
func sends(t *testing.T, f form, r recording, tb *table, all []sent) {
	t.Helper()
	p := newPacker(f, tb, defaultPacket, nil, nil)
	for _, s := range all {
		var want []byte
		for _, fr := range r.Frames {
			if fr.Dir == "out" && strings.HasPrefix(fr.Meaning, s.meaning) {
				want = append(want, fr.bytes(t)...)
			}
		}
		got, err := p.Append(nil, s.m)
		if err != nil || len(want) == 0 || !bytes.Equal(got, want) {
			t.Errorf("%s: %x and %v, want %x", s.meaning, got, err, want)
		}
		ms, rest, err := readAll(plainDecoder{newMux(f, tb, defaultPacket, 1<<20)}, want)
		if err != nil || len(rest) > 0 || len(ms) != 1 || ms[0].Type != s.m.Type || !bytes.Equal(ms[0].Body, s.m.Body) {
			t.Errorf("%s: decoded %v, %d bytes are left with %v", s.meaning, ms, len(rest), err)
		}
	}
}

func TestCometPackets(t *testing.T) {
	for _, release := range releases {
		r := load(t, "comet-mconnection-"+release, 30)
		sends(t, comet, r, tableOf(t, 0, 0, 0x22, 0x61, 0x80), []sent{
			{"Send(0x22, \"hi\")", msg(0x22, []byte("hi"))},
			{"Send(0x00, \"hi\")", msg(0, []byte("hi"))},
			{"Send(0x22, empty message)", msg(0x22, nil)},
			{"Send(0x61, 1024 bytes)", msg(0x61, pattern(1024))},
			{"Send(0x61, 1025 bytes)", msg(0x61, pattern(1025))},
			{"Send(0x61, 2500 bytes)", msg(0x61, pattern(2500))},
			{"Send(0x80, \"hi\")", msg(0x80, []byte("hi"))},
			{"ping timer fired", dialect.Message{Type: TypePing}},
			{"answer", dialect.Message{Type: TypePong}},
		})
	}
}

// What the original accepts and refuses of what comes in, with two differences: a
// full last packet on a channel from 0x80 on is accepted, and the reason for a
// timeout is the session's.
func TestCometPacketsIn(t *testing.T) {
	for _, release := range releases {
		seen := 0
		for _, fr := range load(t, "comet-mconnection-"+release, 30).Frames {
			if fr.Dir != "in" {
				continue
			}
			in, limit := fr.bytes(t), 0
			if strings.Contains(fr.Meaning, "RecvMessageCapacity 2000") {
				limit = 2000
				p := newPacker(comet, tableOf(t, 0, 0x22), defaultPacket, nil, nil)
				in, _ = p.Append(nil, msg(0x22, pattern(2024)))
			}
			ms, rest, err := readAll(plainDecoder{newMux(comet, tableOf(t, limit, 0, 0x22, 0x80), defaultPacket, 1<<20)}, in)
			what := cometIn(fr.Meaning)
			if what == "" {
				t.Errorf("unknown case: %s", fr.Meaning)
				continue
			}
			seen++
			if got := outcome(ms, rest, err); got != what {
				t.Errorf("%s:\n%s, want %s", fr.Meaning, got, what)
			}
		}
		if seen != 15 {
			t.Errorf("%s: %d cases, want 15", release, seen)
		}
	}
}

// cometIn says what is to come of a recorded case.
func cometIn(meaning string) string {
	for _, c := range []struct{ has, want string }{
		{"PacketPong", "0x101 0 bytes"},
		{"PacketPing", "0x100 0 bytes"},
		{"exactly as a peer running", "0x80 1024 bytes"},
		{"delivered on 0x22: 3 bytes 616263", "0x22 3 bytes"},
		{"delivered on 0x22: 0 bytes", "0x22 0 bytes"},
		{"delivered on 0x80: 1023 bytes", "0x80 1023 bytes"},
		{"no effect within 300 ms", "waits"},
		{"connection stopped", "protocol"},
	} {
		if strings.Contains(meaning, c.has) {
			return c.want
		}
	}
	return ""
}

func outcome(ms []dialect.Message, rest []byte, err error) string {
	switch {
	case err != nil:
		return fault.KindOf(err).String()
	case len(ms) == 1:
		return fmt.Sprintf("%#x %d bytes", ms[0].Type, len(ms[0].Body))
	case len(rest) > 0:
		return "waits"
	}
	return fmt.Sprintf("%d messages", len(ms))
}

func TestSeptemberPackets(t *testing.T) {
	r := load(t, "2014-09-mconnection", 19)
	tb := tableOf(t, 0, 0, 1, 0x30)
	text := append([]byte{12, 0, 0, 0}, "channel zero"...)
	sends(t, september, r, tb, []sent{
		{"Send(ch 0x00, String", msg(0, text)},
		{"Send(ch 0x01, raw bytes", msg(1, []byte{1, 2, 3})},
		{"Send(ch 0x30, raw bytes", msg(0x30, []byte{0xaa})},
		{"Send(ch 0x01, zero-length", msg(1, nil)},
		{"Send(ch 0x01, 1024-byte", msg(1, pattern(1024))},
		{"Send(ch 0x01, 1025-byte", msg(1, pattern(1025))},
		{"Send(ch 0x01, 2500-byte", msg(1, pattern(2500))},
		{"TypedMessage{0x07", msg(0, []byte{7, 2, 0, 0, 0, 'h', 'i'})},
		{"ping timer fired", dialect.Message{Type: TypePing}},
		{"reply to remote PING", dialect.Message{Type: TypePong}},
	})
	in(t, september, r, tb, map[string]string{
		"PING from the remote": "0x100 0 bytes",
		"PONG from the remote": "0x101 0 bytes",
		"two packets":          "0x1 3 bytes",
		"unknown packet type":  "protocol",
		// The original looked channels up by their place: the first it could not
		// find, and the second it took for the third that was declared.
		"channel 0x30 (declared third)": "0x30 1 bytes",
		"channel id 0x02 undeclared":    "protocol",
	})
}

func TestDecemberPackets(t *testing.T) {
	r := load(t, "2014-12-mconnection", 14)
	tb := tableOf(t, 0, 0, 1, 0x30)
	bytesOf := func(n int) []byte { // as its codec writes a slice
		return append([]byte{byte(n) | 0x80, byte(n >> 7)}, pattern(n)...)
	}
	sends(t, december, r, tb, []sent{
		{"Send(ch 0x00, string", msg(0, append([]byte{12}, "channel zero"...))},
		{"Send(ch 0x30, struct", msg(0x30, unhex(t, "02686978563412030102030201000200"))},
		{"Send(ch 0x01, []byte of 1022", msg(1, bytesOf(1022))},
		{"Send(ch 0x01, []byte of 1023", msg(1, bytesOf(1023))},
		{"Send(ch 0x01, []byte of 2500", msg(1, bytesOf(2500))},
		{"TypedMessage{0x07", msg(0, []byte{7, 2, 'h', 'i'})},
		{"ping timer fired", dialect.Message{Type: TypePing}},
		{"reply to remote PING (bug", dialect.Message{Type: TypePing}},
	})
	in(t, december, r, tb, map[string]string{
		"PING from the remote": "0x100 0 bytes",
		"two packets":          "0x30 3 bytes",
	})
}

// in decodes all that is recorded as coming in.
func in(t *testing.T, f form, r recording, tb *table, want map[string]string) {
	t.Helper()
	n := 0
	for _, fr := range r.Frames {
		if fr.Dir != "in" {
			continue
		}
		n++
		ms, rest, err := readAll(plainDecoder{newMux(f, tb, defaultPacket, 1<<20)}, fr.bytes(t))
		found := false
		for begin, what := range want {
			if strings.HasPrefix(fr.Meaning, begin) {
				found = true
				if got := outcome(ms, rest, err); got != what {
					t.Errorf("%s: %s, want %s", fr.Meaning, got, what)
				}
			}
		}
		if !found {
			t.Errorf("unknown case: %s", fr.Meaning)
		}
	}
	if n != len(want) {
		t.Errorf("%d cases, want %d", n, len(want))
	}
}

// A live node's stream is read, and written again as it was.
func TestLiveNodes(t *testing.T) {
	for _, release := range []string{"0.38.26", "1.0.1"} {
		r := load(t, "comet-live-node-"+release, 20)
		tb, err := newTable(NodeChannels(), true, maxChannels)
		if err != nil {
			t.Fatal(err)
		}
		x, p := newMux(comet, tb, defaultPacket, 1<<20), newPacker(comet, tb, defaultPacket, nil, nil)
		channels := map[uint32]int{}
		for _, fr := range r.Frames {
			b := fr.bytes(t)
			if strings.Contains(fr.Meaning, "NodeInfo") {
				liveInfo(t, b)
				continue
			}
			ms, rest, err := readAll(plainDecoder{x}, b)
			if err != nil || len(rest) > 0 || len(ms) != 1 {
				t.Fatalf("%s: %v, %d bytes left with %v", fr.Meaning, ms, len(rest), err)
			}
			channels[ms[0].Type]++
			if ms[0].Type == TypePEX {
				if _, err := comet.parseExchange(ms[0].Body); err != nil || ms[0].For != dialect.ToSession {
					t.Errorf("%s: %v", fr.Meaning, err)
				}
			}
			if got, err := p.Append(nil, ms[0]); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%s: written as %x, %v", fr.Meaning, got, err)
			}
		}
		if channels[TypePong] == 0 || channels[TypePEX] == 0 || channels[0x20] == 0 {
			t.Errorf("%s: channels are %v", release, channels)
		}
	}
}

func liveInfo(t *testing.T, b []byte) {
	t.Helper()
	_, k := binary.Uvarint(b)
	n, err := parseNodeInfo(b[k:])
	if err != nil || n.validate() != nil {
		t.Fatalf("%v, %v", err, n)
	}
	if !bytes.Equal(n.append(nil), b[k:]) {
		t.Errorf("%+v is written as %x, want %x", n, n.append(nil), b[k:])
	}
}

// The order in which the original sends three backlogs is in no proportion to
// their priorities for long; ours is, packet by packet, until one runs out.
func TestScheduling(t *testing.T) {
	for _, release := range releases {
		theirs := load(t, "comet-scheduling-"+release, 1).Frames[0].Meaning
		tb := tableOf(t, 0, 1, 2, 3)
		for i, p := range []int{1, 5, 10} {
			tb.list[i].Priority = p
		}
		p := newPacker(comet, tb, defaultPacket, nil, nil)
		for range 40 {
			for c := range uint32(3) {
				if err := p.Put(msg(c+1, make([]byte, 1000))); err != nil {
					t.Fatal(err)
				}
			}
		}
		buf, more, err := p.Pack(nil, 1<<20)
		ms, _, err2 := readAll(plainDecoder{newMux(comet, tb, defaultPacket, 1<<20)}, buf)
		if more || err != nil || err2 != nil {
			t.Fatal(more, err, err2)
		}
		var ours []byte
		for _, m := range ms {
			ours = append(ours, '0'+byte(m.Type))
		}
		if len(theirs) != 120 || len(ours) != 120 {
			t.Fatalf("%d and %d messages, want 120", len(theirs), len(ours))
		}
		last := bytes.LastIndexByte(ours, '3')
		if n := bytes.Count(ours[:last], []byte("2")); n < 19 || n > 21 {
			t.Errorf("while 40 of priority 10 go, %d of priority 5 do: %s", n, ours)
		}
		if n := bytes.Count(ours[:last], []byte("1")); n < 3 || n > 5 {
			t.Errorf("while 40 of priority 10 go, %d of priority 1 do: %s", n, ours)
		}
	}
}

// TestAllFilesAreUsed makes sure that no golden file is forgotten.
func TestAllFilesAreUsed(t *testing.T) {
	used := []string{
		"2014-09-addrbook", "2014-09-mconnection", "2014-09-pex", "2014-12-mconnection",
		"comet-addrbook-v0.38.26", "comet-addrbook-v1.0.1", "comet-live-node-0.38.26", "comet-live-node-1.0.1",
		"comet-mconnection-v0.38.26", "comet-mconnection-v1.0.1", "comet-netaddress-v0.38.26", "comet-netaddress-v1.0.1",
		"comet-node-key-v0.38.26", "comet-node-key-v1.0.1", "comet-nodeinfo-v0.38.26", "comet-pex-v0.38.26",
		"comet-scheduling-v0.38.26", "comet-scheduling-v1.0.1",
		"comet-secret-connection-A-higher-v0.38.26", "comet-secret-connection-A-lower-v0.38.26", // in internal/secret
		"comet-secret-connection-A-lower-v1.0.1", "comet-secret-connection-rejects-v0.38.26",
		"comet-session-v0.38.26",
	}
	for _, path := range golden.Match(t, "testdata/*", len(used)) {
		if name := filepath.Base(path); !slices.Contains(used, name) {
			t.Errorf("%s is used by no test", name)
		}
	}
}
