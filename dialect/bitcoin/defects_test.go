package bitcoin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/dialect"
	"parley/fault"
	"parley/wire"
)

// Each test here is named after a defect of soterd or btcd (soter.md 0 and 1.11)
// that does not exist here.

// allocated returns the bytes that f allocates.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func TestDefectAddrCacheOverflow(t *testing.T) {
	entry := make([]byte, 30)
	for name, body := range map[string][]byte{
		"second list of 2^64-1": append(append([]byte{1}, entry...), wire.AppendCompact(nil, math.MaxUint64)...),
		"first list of 2^63":    wire.AppendCompact(nil, 1<<63),
		"1001 in all":           append(append(wire.AppendCompact(nil, 1000), make([]byte, 30_000)...), append([]byte{1}, entry...)...),
	} {
		var c AddrCache
		if err := c.Parse(body, feeFilterVersion); !errors.Is(err, fault.Protocol) || !errors.Is(err, wire.ErrLimit) {
			t.Errorf("%s: %v, want a limit", name, err)
		}
		b := newBrain(t, Config{Params: SoterSim()})
		b.joinPlain(1)
		b.hear(1, TypeAddrCache, body)
		b.want(name, "1:reject")
		b.wantEnd(name, 1, fault.Protocol, 0)
	}
}

// TestDefectMemoryAmplification decodes short frames that claim long lists.
func TestDefectMemoryAmplification(t *testing.T) {
	p := SoterSim()
	huge := wire.AppendCompact(nil, MaxInv)
	block := frameOf(p, "block", make([]byte, maxBlock))[:headerSize+10]
	for name, f := range map[string]func(){
		"inventory":  func() { p.ParseInvs(huge) },
		"addresses":  func() { ParseAddrs(wire.AppendCompact(nil, MaxAddrs), feeFilterVersion) },
		"addrv2":     func() { ParseAddrsV2(wire.AppendCompact(nil, MaxAddrs)) },
		"addrcache":  func() { new(AddrCache).Parse(wire.AppendCompact(nil, MaxAddrs), feeFilterVersion) },
		"reject":     func() { new(Reject).Parse(wire.AppendCompact(nil, 32<<20)) },
		"reject/2":   func() { new(Reject).Parse(append([]byte{2, 't', 'x', 1}, wire.AppendCompact(nil, 32<<20)...)) },
		"user agent": func() { new(Version).parse(append(make([]byte, 80), wire.AppendCompact(nil, 32<<20)...), true) },
		"block":      func() { d, _ := soterCodec(); d.Next(block) },
	} {
		if n := allocated(f); n > 4<<10 {
			t.Errorf("%s: %d bytes allocated for a few bytes of input", name, n)
		}
	}
}

// frameOf writes any frame by hand.
func frameOf(p Params, name string, payload []byte) []byte {
	c := pad(name)
	b := binary.LittleEndian.AppendUint32(nil, p.Net)
	b = append(b, c[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, Checksum(payload))
	return append(b, payload...)
}

// TestDefectInventoryOver45000 sends as much inventory as the protocol allows.
func TestDefectInventoryOver45000(t *testing.T) {
	for name, p := range networks {
		d, e := &decoder{p: &p, net: p.Net}, &encoder{p: &p, net: p.Net}
		m := dialect.Message{Type: TypeInv, Body: p.AppendInvs(nil, make([]Inv, MaxInv))}
		ms := decodeAll(t, d, mustAppend(t, e, m))
		if len(ms) != 1 || ms[0].Type != TypeInv {
			t.Fatalf("%s: %d entries are decoded as %d messages of type %d", name, MaxInv, len(ms), ms[0].Type)
		}
		if vs, err := p.ParseInvs(ms[0].Body); err != nil || len(vs) != MaxInv {
			t.Errorf("%s: %d entries with error %v, want %d", name, len(vs), err, MaxInv)
		}
		m.Body = p.AppendInvs(nil, make([]Inv, MaxInv+1))
		if _, err := p.ParseInvs(m.Body); !errors.Is(err, wire.ErrLimit) {
			t.Errorf("%s: %d entries: %v, want a limit", name, MaxInv+1, err)
		}
		if _, err := e.Append(nil, m); err == nil {
			t.Errorf("%s: %d entries are encoded", name, MaxInv+1)
		}
	}
}

// TestDefectUserAgent256 opens links with the longest user agent and with one that
// is too long.
func TestDefectUserAgent256(t *testing.T) {
	for name, p := range networks {
		agent := "/" + strings.Repeat("a", MaxAgent-2) + "/"
		x, y := openPair(t, Config{Params: p}, func(o *dialect.Opening) { o.Self.Agent = agent })
		if x.err != nil || y.err != nil || x.link.Intro.Agent != agent || y.link.Intro.Agent != agent {
			t.Errorf("%s: %d bytes: %v and %v", name, len(agent), x.err, y.err)
		}
		_, y = openPair(t, Config{Params: p}, func(o *dialect.Opening) { o.Self.Agent = agent + "a" })
		if k := fault.KindOf(y.err); k != fault.Local && k != fault.IO {
			t.Errorf("%s: %d bytes: %v", name, len(agent)+1, y.err)
		}
	}
}

// TestDefectNoVerAckDeadline opens links to peers that never send verack.
func TestDefectNoVerAckDeadline(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.join(1, dialect.Intro{Version: feeFilterVersion})
	b.want("at once", "1:verack")
	for s := range 29 {
		b.until(time.Duration(s) * time.Second)
		b.hear(1, TypePing, make([]byte, 8))
	}
	b.wantLive("before the deadline", 1)
	b.until(time.Minute)
	b.wantEnd("a peer that only pings", 1, fault.Timeout, 30*time.Second)
}

// TestDefectSilentPeerPinned makes a peer that reads nothing earn a reject: the
// link must not wait for that to be written.
func TestDefectSilentPeerPinned(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.deaf = true
	b.hear(1, TypeVersion, nil)
	b.want("a second version", "1:reject")
	b.hear(1, TypePing, make([]byte, 8))
	b.hear(1, TypeVersion, nil)
	b.command(Ping{})
	b.command(Announce{Inv: []Inv{{Type: InvBlock}}})
	b.want("afterwards")
	b.until(time.Hour)
	b.wantEnd("a peer that does not read", 1, fault.Protocol, lastWord)
}

// TestDefectRejectNeverSent turns away a peer of too low a version, in both roles.
func TestDefectRejectNeverSent(t *testing.T) {
	for name, p := range networks {
		x, y := openPair(t, Config{Params: p, Version: 208, MinVersion: 1}, nil, Config{Params: p})
		var j *Reject
		if !errors.As(x.err, &j) || j.Code != RejectObsolete || j.Reason != "protocol version must be 209 or greater" {
			t.Errorf("%s: the dialer ends with %v, want a reject", name, x.err)
		}
		if !errors.Is(y.err, fault.Refused) {
			t.Errorf("%s: the listener ends with %v", name, y.err)
		}
	}
}

// TestDefectWithheldPayload decides at the header what may not follow.
func TestDefectWithheldPayload(t *testing.T) {
	p := SoterSim()
	for name, b := range map[string][]byte{
		"over the limit of its command": frameOf(p, "ping", make([]byte, 9))[:headerSize],
		"over the limit of all":         frameOf(p, "block", make([]byte, maxBlock+1))[:headerSize],
		"unknown command":               frameOf(p, "frobnicate", make([]byte, 9))[:headerSize],
		"another network":               frameOf(BitcoinTest(), "ping", make([]byte, 8))[:headerSize],
	} {
		d, _ := soterCodec()
		m, n, err := d.Next(b)
		if m.Type != TypeMalformed || m.For != session || n != len(b) || err != nil || len(m.Body) == 0 {
			t.Errorf("%s: %+v takes %d bytes, error %v", name, m, n, err)
		}
	}
}

// TestDefectKnownByPointer announces equal inventory twice.
func TestDefectKnownByPointer(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	for range 3 {
		b.command(Announce{Inv: []Inv{{Type: InvTx, Hash: Hash{1}}}})
		b.run(20 * time.Second)
	}
	b.want("the same thing three times", "1:inv")
}

// TestDefectTwoPeersOfOneProcess opens a link between two nodes of one process, and
// then of one node to itself.
func TestDefectTwoPeersOfOneProcess(t *testing.T) {
	for name, p := range networks {
		for range 3 {
			if x, y := openPair(t, Config{Params: p}, nil); x.err != nil || y.err != nil {
				t.Errorf("%s: %v and %v", name, x.err, y.err)
			}
		}
		_, y := openPair(t, Config{Params: p}, func(o *dialect.Opening) { o.Self.Nonce = 5 })
		if !errors.Is(y.err, dialect.ErrSelf) {
			t.Errorf("%s: a node that meets itself ends with %v", name, y.err)
		}
	}
}

// TestDefectCFCheckptLost delivers a command that soterd decodes and drops.
func TestDefectCFCheckptLost(t *testing.T) {
	d, e := soterCodec()
	body := bytes.Repeat([]byte{7}, 34)
	ms := decodeAll(t, d, mustAppend(t, e, dialect.Message{Type: TypeCFCheckpt, Body: body}))
	if len(ms) != 1 || ms[0].For != app || !bytes.Equal(ms[0].Body, body) {
		t.Errorf("cfcheckpt becomes %+v", ms)
	}
}
