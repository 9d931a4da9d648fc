package bitcoin

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// hearAlive lets a peer say something every so often, so that it is not idle.
func (b *brain) hearAlive(id dialect.LinkID, d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end) && b.sessions[id] != nil; {
		b.run(min(time.Minute, end.Sub(b.now)))
		b.view.In[id] = b.now
	}
}

func TestPings(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.until(2*time.Minute - 1)
	b.want("before two minutes")
	b.until(2 * time.Minute)
	ping := b.out[0].Body
	b.want("after two minutes", "1:ping")
	b.run(40 * time.Millisecond)
	b.hear(1, TypePong, make([]byte, 8))
	b.hear(1, TypePong, ping)
	b.hear(1, TypePong, ping)
	nonce := binary.LittleEndian.Uint64(ping)
	want := []any{Pinged{nonce, start.Add(2 * time.Minute)}, RTT{nonce, 40 * time.Millisecond}}
	if !slices.Equal(b.notes, want) || nonce == 0 {
		t.Errorf("notes %+v, want %+v", b.notes, want)
	}
	b.command(Ping{To: 1})
	b.command(Ping{To: 9})
	b.command(Ping{})
	b.want("on command", "1:ping", "1:ping")
	b.hearAlive(1, time.Hour)
	if n := len(b.take()); n != 30 {
		t.Errorf("%d pings in an hour, want 30", n)
	}
	b.wantLive("lost pongs have no effect", 1)
	b.hear(1, TypePing, ping)
	if len(b.out) != 1 || b.out[0].Type != TypePong || !bytes.Equal(b.out[0].Body, ping) {
		t.Errorf("a ping is answered with %+v", b.out)
	}
}

func TestOldPings(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.join(1, dialect.Intro{Version: pongVersion})
	b.hear(1, TypeVerAck, nil)
	b.take()
	b.hear(1, TypePing, nil)
	b.want("a ping of an old version is not answered")
	b.command(Ping{})
	if len(b.out) != 1 || len(b.out[0].Body) != 0 || len(b.notes) != 0 {
		t.Errorf("pings with %+v, notes %v", b.out, b.notes)
	}
}

func TestBadPings(t *testing.T) {
	for _, typ := range []uint32{TypePing, TypePong} {
		b := newBrain(t, Config{Params: SoterSim()})
		b.joinPlain(1)
		b.hear(1, typ, make([]byte, 7))
		b.want("seven bytes", "1:reject")
		b.wantEnd("seven bytes", 1, fault.Protocol, 0)
	}
}

func TestIdle(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.until(100 * time.Second)
	b.view.In[1] = b.now
	b.until(time.Hour)
	b.wantEnd("silence", 1, fault.Timeout, 400*time.Second)
}

func TestVerAckTwice(t *testing.T) {
	for name, p := range networks {
		b := newBrain(t, Config{Params: p})
		b.join(1, dialect.Intro{Version: feeFilterVersion})
		if p.Soter {
			b.hear(1, TypeVerAck, nil)
			b.wantLive(name, 1)
		}
		b.out = nil
		b.hear(1, TypeVerAck, nil)
		b.want(name)
		b.wantEnd(name, 1, fault.Protocol, 0)
	}
}

func TestTooLateForVerAck(t *testing.T) {
	for _, typ := range []uint32{TypeSendAddrV2, TypeWtxidRelay} {
		b := newBrain(t, Config{Params: BitcoinSim()})
		b.joinPlain(1)
		b.sessions = map[dialect.LinkID]dialect.Session{}
		b.ended = map[dialect.LinkID]error{}
		b.join(2, dialect.Intro{Version: sendAddrV2Version})
		b.hear(2, typ, nil)
		b.wantEnd("after verack", 2, fault.Protocol, 0)
	}
}

func TestFlood(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	for range maxControl - 1 { // verack was the first
		b.hear(1, TypePing, make([]byte, 8))
	}
	b.wantLive("at the limit", 1)
	b.hear(1, TypeGetAddr, nil)
	b.wantEnd("over the limit", 1, fault.Abuse, 0)
}

// TestStallEnds covers what the recording of soterd does not: answers, repeated
// requests, and an application that is at work.
func TestStallEnds(t *testing.T) {
	cases := map[string]struct {
		then func(b *brain)
		at   time.Duration // 0 for never
	}{
		"any answer is one":       {func(b *brain) { b.hear(1, TypeNotFound, nil) }, 0},
		"another answer is none":  {func(b *brain) { b.hear(1, TypeInv, nil) }, 45 * time.Second},
		"asking again":            {func(b *brain) { b.until(20 * time.Second); b.wrote(1, TypeGetData) }, 45 * time.Second},
		"the application is busy": {func(b *brain) { b.until(14 * time.Second); b.view.In[1] = start.Add(15 * time.Second) }, time.Minute},
	}
	for name, c := range cases {
		b := newBrain(t, Config{Params: SoterSim()})
		b.joinPlain(1)
		b.until(time.Second)
		b.wrote(1, TypeGetData)
		c.then(b)
		b.until(2 * time.Minute)
		if c.at == 0 {
			b.wantLive(name, 1)
			continue
		}
		b.wantEnd(name, 1, fault.Timeout, c.at)
	}
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.wrote(1, TypeGetHeaders)
	b.hear(1, TypeHeaders, nil)
	if next := b.sessions[1].Next(); next != start.Add(2*time.Minute) {
		t.Errorf("with nothing to wait for, the session wakes at %v", next)
	}
	b = newBrain(t, Config{Params: SoterSim(), NoStall: true})
	b.joinPlain(1)
	b.wrote(1, TypeGetData)
	b.until(2 * time.Minute)
	b.wantLive("without stall rules", 1)
}

// TestStallOvertaken has answers that are ahead of the report that their request was
// written, as happens when the peer is faster than our writer.
func TestStallOvertaken(t *testing.T) {
	cases := map[string]struct {
		script func(b *brain)
		at     time.Duration // 0 for never
	}{
		"just before":            {func(b *brain) { b.hear(1, TypeTx, nil); b.wrote(1, TypeGetData) }, 0},
		"long before":            {func(b *brain) { b.hear(1, TypeTx, nil); b.until(time.Second); b.wrote(1, TypeGetData) }, 45 * time.Second},
		"one answer, two asked":  {func(b *brain) { b.hear(1, TypeInv, nil); b.wrote(1, TypeGetBlocks); b.wrote(1, TypeGetBlocks) }, 30 * time.Second},
		"answered, asked again":  {func(b *brain) { b.wrote(1, TypeGetData); b.hear(1, TypeTx, nil); b.wrote(1, TypeGetData) }, 30 * time.Second},
		"an answer to something": {func(b *brain) { b.hear(1, TypeInv, nil); b.wrote(1, TypeGetData) }, 30 * time.Second},
	}
	for name, c := range cases {
		b := newBrain(t, Config{Params: SoterSim()})
		b.joinPlain(1)
		c.script(b)
		b.until(2 * time.Minute)
		if c.at == 0 {
			b.wantLive(name, 1)
			continue
		}
		b.wantEnd(name, 1, fault.Timeout, c.at)
	}
}

func TestAnnounce(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.joinPlain(2)
	tx := func(n byte) Inv { return Inv{Type: InvTx | InvWitness, Hash: Hash{n}} }
	block := Inv{Type: InvBlock | InvWitness, Hash: Hash{9}, Height: 7}
	b.command(Known{Link: 2, Inv: []Inv{tx(1), block}})
	b.command(Known{Link: 7, Inv: []Inv{tx(1)}})
	b.command(Announce{Inv: []Inv{tx(1), tx(2), block}})
	b.want("a block at once, but not to who knows it", "1:inv")
	b.command(Known{Link: 2, Inv: []Inv{tx(2)}})
	b.until(10 * time.Second)
	b.want("the rest with the tick, but not to who learned it meanwhile", "1:inv")
	b.command(Announce{Except: 1, Inv: []Inv{tx(3)}})
	b.command(Announce{To: 1, Inv: []Inv{tx(4)}})
	b.command(Announce{To: 5, Inv: []Inv{tx(4)}})
	b.until(15 * time.Second)
	b.want("between ticks")
	b.until(20 * time.Second)
	if got := b.invs(t, SoterSim()); got != "1:[4] 2:[3]" {
		t.Errorf("announced %s", got)
	}
	b.command(Announce{To: 1, Inv: []Inv{tx(5)}})
	b.hear(1, TypeVersion, nil)
	b.out = nil
	b.until(time.Minute)
	b.want("a link that ended")
}

// TestTicksOfEachPeer announces to peers whose ticks fall at different times.
func TestTicksOfEachPeer(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	for id := range dialect.LinkID(3) {
		b.until(time.Duration(id) * 2 * time.Second)
		b.joinPlain(id + 1)
	}
	b.until(5 * time.Second)
	b.command(Announce{Inv: []Inv{{Type: InvTx}}})
	b.until(time.Minute)
	var at []time.Duration
	for _, s := range b.out {
		at = append(at, s.at)
	}
	if !slices.Equal(at, []time.Duration{10 * time.Second, 12 * time.Second, 14 * time.Second}) {
		t.Errorf("announced after %v", at)
	}
	if next := b.rules.Next(); !next.IsZero() {
		t.Errorf("with nothing to announce, the rules wake at %v", next)
	}
}

// invs names what was announced to whom by the first byte of its hash.
func (b *brain) invs(t *testing.T, p Params) (s string) {
	for _, m := range b.out {
		vs, err := p.ParseInvs(m.Body)
		if err != nil || m.Type != TypeInv {
			t.Fatal(m, err)
		}
		var ns []byte
		for _, v := range vs {
			ns = append(ns, v.Hash[0])
		}
		s += fmt.Sprintf(" %d:%v", m.to, ns)
	}
	b.out = nil
	return s[min(1, len(s)):]
}

// TestAnnounceBounds fills the queue, and turns waiting off.
func TestAnnounceBounds(t *testing.T) {
	many := make([]Inv, maxQueue)
	for i := range many {
		many[i] = Inv{Type: InvTx}
		binary.LittleEndian.PutUint32(many[i].Hash[:], uint32(i))
	}
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.command(Announce{Inv: many[:maxQueue-1]})
	b.want("a queue that is not full")
	b.command(Announce{Inv: many[maxQueue-1:]})
	if len(b.out) != maxQueue/maxBatch {
		t.Errorf("a full queue is %d messages, want %d", len(b.out), maxQueue/maxBatch)
	}
	b = newBrain(t, Config{Params: BitcoinSim(), Trickle: -1})
	b.joinPlain(1)
	b.join(1, dialect.Intro{Version: sendAddrV2Version})
	b.command(Announce{Inv: []Inv{{Type: InvTx, Height: 1}, {Type: InvTx, Height: 2}}})
	if got := b.invs(t, BitcoinSim()); got != "1:[0]" {
		t.Errorf("without waiting, where height is nothing: announced %s, want one entry", got)
	}
}

func TestKnownForgets(t *testing.T) {
	k := known{limit: 3}
	v := func(n byte) Inv { return Inv{Hash: Hash{n}} }
	var model []Inv // newest last
	for step, n := range []byte{1, 2, 3, 1, 4, 4, 1, 5, 6, 2, 6, 6, 7, 2, 8, 9, 1, 1} {
		k.add(v(n))
		model = append(slices.DeleteFunc(model, func(x Inv) bool { return x == v(n) }), v(n))
		model = model[max(0, len(model)-3):]
		for n := range byte(10) {
			if k.has(v(n)) != slices.Contains(model, v(n)) {
				t.Fatalf("after step %d: knows %d: %v", step, n, k.has(v(n)))
			}
		}
	}
	one := known{limit: 1}
	for _, n := range []byte{1, 2, 2, 3} {
		if one.add(v(n)); !one.has(v(n)) || len(one.at) != 1 {
			t.Errorf("one of %d: %v", n, one.at)
		}
	}
}

func TestRequest(t *testing.T) {
	for typ := uint32(1); typ < types; typ++ {
		want := slices.Contains([]uint32{TypeVersion, TypeMemPool, TypeGetBlocks, TypeGetData, TypeGetHeaders}, typ)
		if m := Request(typ, nil); m.For&session != 0 != want {
			t.Errorf("type %d is watched: %v, want %v", typ, !want, want)
		}
	}
}

// joinFrom opens a link to a peer that introduced itself in full.
func (b *brain) joinFrom(id dialect.LinkID, hs *Handshake) {
	b.join(id, dialect.Intro{Version: feeFilterVersion, Info: hs})
	b.hear(id, TypeVerAck, nil)
	b.out = nil
}

var someAddrs = []addr.Addr{
	{IP: ip("192.0.2.1"), Port: 1}, {IP: ip("2001:db8::2"), Port: 2}, {Host: "name.example", Port: 3}, {IP: ip("192.0.2.4"), Port: 4},
}
