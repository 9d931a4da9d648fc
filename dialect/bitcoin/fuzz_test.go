package bitcoin

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// seedFrames adds every recorded frame, cut to what fuzzing is good at.
func seedFrames(f *testing.F, add func(b []byte)) {
	for pattern, n := range map[string]int{"msg_*": 25, "hostile_*": 31, "session_*": 1} {
		for _, r := range recordings(f, pattern, n) {
			for _, fr := range r.Frames {
				b := fr.bytes(f)
				add(b[:min(len(b), 1000)])
			}
		}
	}
}

// FuzzOpen plays both roles of both kinds against any bytes. What is let in must
// be let in again when its version message is written anew.
func FuzzOpen(f *testing.F) {
	seedFrames(f, func(b []byte) { f.Add(uint8(len(b)), b) })
	ps := []Params{SoterSim(), BitcoinSim()}
	for _, p := range ps {
		b := versionFrame(f, p, nil)
		f.Add(uint8(0), append(b, frameOf(p, "verack", nil)...))
	}
	f.Fuzz(func(t *testing.T, how uint8, in []byte) {
		p, dialing := ps[how%2], how/2%2 == 0
		d := mustNew(t, Config{Params: p})
		l, err := d.Open(&conn{in: in}, opening(t, dialing, "10.0.0.2:1", 7))
		if err != nil {
			switch k := fault.KindOf(err); {
			case k == fault.Protocol, k == fault.Refused, k == fault.IO, errors.Is(err, dialect.ErrSelf):
			default:
				t.Fatalf("%v of kind %v", err, k)
			}
			return
		}
		hs := l.Intro.Info.(*Handshake)
		b, err := hs.Version.append(nil, relayVersion, p.Soter)
		if err != nil {
			t.Fatal(err)
		}
		b = append(frameOf(p, "version", b), frameOf(p, "verack", nil)...)
		again, err := d.Open(&conn{in: b}, opening(t, dialing, "10.0.0.2:1", 7))
		if err != nil {
			t.Fatalf("%+v is refused when written anew: %v", hs.Version, err)
		}
		if v := again.Intro.Info.(*Handshake).Version; v != hs.Version {
			t.Fatalf("%+v comes back as %+v", hs.Version, v)
		}
	})
}

// FuzzNext decodes any stream, cut anywhere, in every mode. What comes out must be
// within its limit and encode to what is decoded alike.
func FuzzNext(f *testing.F) {
	seedFrames(f, func(b []byte) { f.Add(uint8(0), uint16(len(b)/2), b) })
	f.Add(uint8(1), uint16(30), frameOf(BitcoinSim(), "novel", []byte("payload")))
	ps := []Params{SoterSim(), BitcoinSim()}
	f.Fuzz(func(t *testing.T, how uint8, cut uint16, in []byte) {
		d, e := codecOf(ps[how%2])
		d.lenient, d.both, d.watch = how&2 != 0, how&4 != 0, how&8 != 0
		buf, later := in, []byte(nil)
		if int(cut) < len(in) {
			buf, later = in[:cut], in[cut:]
		}
		for steps := 0; ; steps++ {
			m, n, err := d.Next(buf)
			switch {
			case err != nil || n <= 0 || steps > 2*len(in)+10:
				t.Fatalf("step %d takes %d of %d bytes, error %v", steps, n, len(buf), err)
			case n > len(buf) && m.For != 0:
				t.Fatalf("a message that is not whole: %+v", m)
			case n > len(buf) && later == nil:
				return
			case n > len(buf):
				buf, later = append(bytes.Clone(buf), later...), nil
				continue
			}
			if buf = buf[n:]; m.For&app != 0 {
				encodesAlike(t, e, m)
			}
			if len(buf) == 0 && later == nil {
				return
			}
		}
	})
}

func encodesAlike(t *testing.T, e *encoder, m dialect.Message) {
	t.Helper()
	b, err := e.Append(nil, m)
	if err != nil {
		t.Fatalf("type %d with %d bytes is received but not sent: %v", m.Type, len(m.Body), err)
	}
	again, _, _ := (&decoder{p: e.p, net: e.net}).Next(b)
	if again.Type != m.Type || !bytes.Equal(again.Body, m.Body) {
		t.Fatalf("type %d with %x comes back as type %d with %x", m.Type, m.Body, again.Type, again.Body)
	}
}

// FuzzPayloads reads any bytes as each payload the dialect understands. What is
// accepted is written and read again as equal.
func FuzzPayloads(f *testing.F) {
	seedFrames(f, func(b []byte) {
		if len(b) > headerSize {
			f.Add(true, uint32(70013), b[headerSize:])
			f.Add(false, uint32(31401), b[headerSize:])
		}
	})
	f.Fuzz(func(t *testing.T, soter bool, pver uint32, b []byte) {
		p := BitcoinSim()
		if soter {
			p = SoterSim()
		}
		same := func(what string, x, y any, err error) {
			if err != nil || !reflect.DeepEqual(x, y) {
				t.Fatalf("%s: %+v comes back as %+v, %v", what, x, y, err)
			}
		}
		if as, err := ParseAddrsV2(b); err == nil && len(as) > 0 {
			back, err := ParseAddrsV2(AppendAddrsV2(nil, as))
			same("addrv2", as, back, err)
		}
		if as, err := ParseAddrs(b, pver); err == nil {
			if as = withIP(as, MaxAddrs); len(as) > 0 {
				back, err := ParseAddrs(AppendAddrs(nil, as, pver), pver)
				same("addr", as, back, err)
			}
		}
		if vs, err := p.ParseInvs(b); err == nil {
			back, err := p.ParseInvs(p.AppendInvs(nil, vs))
			same("inv", vs, back, err)
		}
		var c AddrCache
		if c.Parse(b, pver) == nil {
			var once, twice AddrCache
			err1 := once.Parse(c.Append(nil, pver), pver)
			err2 := twice.Parse(once.Append(nil, pver), pver)
			same("addrcache", once, twice, errors.Join(err1, err2))
		}
		var j, j2 Reject
		if j.Parse(b) == nil {
			err := j2.Parse(j.Append(nil))
			same("reject", j, j2, err)
		}
	})
}

// FuzzAgent reads any user agent.
func FuzzAgent(f *testing.F) {
	f.Add("/a:1.0.0(c)/b:2.0.0/", "/b:3.1.1/")
	f.Fuzz(func(t *testing.T, ours, theirs string) {
		if clash(ours, ours) != "" && len(products(ours)) == 1 {
			t.Errorf("%q clashes with itself", ours)
		}
		clash(ours, theirs)
	})
}
