package factom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"parley/dialect/factom/gobwire"
	"parley/fault"
)

// TestReassembly holds the table of parts against what factomd 6.6 did, step by
// step. Messages of no and of one part do not get here; see decoder9.
func TestReassembly(t *testing.T) {
	type step struct {
		AppHash    string `json:"app_hash"`
		PartNo     uint16 `json:"part_no"`
		PartsTotal uint16 `json:"parts_total"`
		PayloadLen int    `json:"payload_len"`
		Pending    int    `json:"pending_after"`
		Assembled  *struct{ Sha256 string }
	}
	var v struct {
		Cases []struct {
			Case  string
			Steps []step
		}
	}
	load(t, "legacy/reassembly", &v)
	if len(v.Cases) != 10 {
		t.Fatalf("%d cases, want 10", len(v.Cases))
	}
	for _, c := range v.Cases {
		p := newParts(1 << 20)
		for i, s := range c.Steps {
			h := gobwire.Header{AppHash: []byte(s.AppHash), PartNo: s.PartNo, PartsTotal: s.PartsTotal}
			body, err := p.add(&h, piece(s.PartNo, s.PayloadLen))
			sum := sha256.Sum256(body)
			switch {
			case err != nil:
				t.Errorf("%s: step %d: %v", c.Case, i, err)
			case (body != nil) != (s.Assembled != nil):
				t.Errorf("%s: step %d: %d bytes put together", c.Case, i, len(body))
			case body != nil && hex.EncodeToString(sum[:]) != s.Assembled.Sha256:
				t.Errorf("%s: step %d: %d other bytes", c.Case, i, len(body))
			}
			if len(p.wholes) != s.Pending {
				t.Errorf("%s: step %d: %d pending, want %d", c.Case, i, len(p.wholes), s.Pending)
			}
		}
		if len(p.wholes) == 0 && p.bytes != 0 {
			t.Errorf("%s: %d bytes counted in an empty table", c.Case, p.bytes)
		}
	}
}

// piece returns the payload of a recorded part.
func piece(no uint16, size int) []byte {
	switch size {
	case 1000:
		return pattern(5, 1000)
	case 4:
		return []byte([]string{"AAAA", "bbbb"}[no])
	case 3:
		return []byte("abc")
	}
	at := min(int(no)*30000, 70000-size)
	return pattern(9, 70000)[at : at+size]
}

// TestPartsLimits floods the table in every direction.
func TestPartsLimits(t *testing.T) {
	add := func(p *parts, hash string, no, total uint16, n int) ([]byte, error) {
		h := gobwire.Header{AppHash: []byte(hash), PartNo: no, PartsTotal: total}
		return p.add(&h, make([]byte, n))
	}
	p := newParts(1000)
	for _, c := range []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"too many parts", func() error { _, err := add(&p, "a", 0, maxParts+1, 1); return err }(), fault.Protocol},
		{"long hash", func() error { _, err := add(&p, string(make([]byte, maxHash+1)), 0, 2, 1); return err }(), fault.Protocol},
		{"too large for us", func() error { _, err := add(&p, "b", 0, 2, 1001); return err }(), fault.Refused},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want the kind %v", c.name, c.err, c.want)
		}
	}
	p = newParts(1000)
	for i := range 1000 {
		if _, err := add(&p, fmt.Sprint("message", i), 0, 2, 900); err != nil {
			t.Fatal(err)
		}
		if len(p.wholes) > maxWholes || p.bytes > 1000+maxParts*partCost {
			t.Fatalf("%d messages, %d bytes", len(p.wholes), p.bytes)
		}
	}
	// The last one is still there, so its second part completes it.
	if body, err := add(&p, "message999", 1, 2, 100); err != nil || len(body) != 1000 {
		t.Errorf("%d bytes and %v, want 1000", len(body), err)
	}
	// The first one was forgotten, so its second part completes nothing.
	if body, err := add(&p, "message0", 1, 2, 1); body != nil || err != nil {
		t.Errorf("%d bytes and %v, want none", len(body), err)
	}
}

// TestPartsEmpty refuses a message all of whose parts are empty.
func TestPartsEmpty(t *testing.T) {
	p := newParts(1000)
	h := gobwire.Header{PartNo: 1, PartsTotal: 2}
	if _, err := p.add(&h, nil); err != nil {
		t.Fatal(err)
	}
	h.PartNo = 0
	if _, err := p.add(&h, nil); !errors.Is(err, fault.Protocol) {
		t.Errorf("%v, want a protocol fault", err)
	}
	if p.bytes != 0 {
		t.Errorf("%d bytes left", p.bytes)
	}
}

// TestPartsKeepTheirOwn makes sure that parts survive the buffer they came in.
func TestPartsKeepTheirOwn(t *testing.T) {
	p := newParts(1000)
	buf := []byte("first")
	h := gobwire.Header{PartNo: 0, PartsTotal: 2}
	if _, err := p.add(&h, buf); err != nil {
		t.Fatal(err)
	}
	copy(buf, "XXXXX")
	h.PartNo = 1
	if body, _ := p.add(&h, []byte(" second")); !bytes.Equal(body, []byte("first second")) {
		t.Errorf("%q", body)
	}
}
