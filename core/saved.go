package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"parley/core/book"
)

const (
	// saveAfter is how long a change may stay unsaved.
	saveAfter = 5 * time.Minute
	// manyChanges is what is saved sooner, after savePause.
	manyChanges = 256
	savePause   = 10 * time.Second
	// weightProven is what a link that opened counts among the changes.
	weightProven = 16
	// savePage is how many addresses one call of Save copies.
	savePage = 512
)

// saver decides when what is remembered has changed enough to be saved.
type saver struct {
	changes int
	due     time.Time // zero while nothing has changed
	now     bool      // save with this call
}

// changed notes that the book has changed by k.
func (s *saver) changed(now time.Time, k int) {
	s.changes += k
	pause := saveAfter
	if s.changes >= manyChanges {
		pause = savePause
	}
	s.due = earlier(s.due, now.Add(pause))
}

// check asks for a save if one is due.
func (s *saver) check(now time.Time, e *Effects) {
	if s.now || due(now, s.due) {
		s.save(now, e)
	}
}

func (s *saver) save(now time.Time, e *Effects) {
	e.Save = true
	*s = saver{}
}

// Saved returns what is worth keeping over a restart. It is all the calls of
// Save in one, and takes time in proportion to the size of the book.
func (n *Node) Saved(now time.Time) *Saved {
	s := new(Saved)
	for n.Save(now, s) {
	}
	return s
}

// Save adds to s, which is empty at the first call, what is worth keeping over
// a restart: some of the book with each call, so that none takes long. It reports
// whether there is more. Other calls in between do no harm: what the book
// has before the first call and after the last is in s, an address perhaps twice.
func (n *Node) Save(now time.Time, s *Saved) (more bool) {
	if s.Time.IsZero() {
		n.saveFirst(now, s)
		return s.left > 0
	}
	var page [savePage]book.Record
	rs, left := n.book.Page(page[:0], s.left, savePage)
	for _, r := range rs {
		s.Peers = append(s.Peers, Known(r))
	}
	s.left = left
	return left > 0
}

// saveFirst saves everything but the book.
func (n *Node) saveFirst(now time.Time, s *Saved) {
	for _, l := range n.live {
		if l.dialed {
			n.book.Worked(now, l.addr)
		}
	}
	*s = Saved{Time: now, Peers: make([]Known, 0, n.book.Len()), Bans: n.bans.list(now), left: n.book.Len()}
}

// Restore adds what an earlier run saved. Bans that are over are left out.
// Times in the future, from a clock that went wrong, count as now. It takes
// time in proportion to the size of s.
func (n *Node) Restore(now time.Time, s *Saved, e *Effects) {
	n.now = now
	for _, b := range s.Bans {
		n.ban(now, b)
	}
	n.saver.now = false
	for _, k := range s.Peers {
		if !k.Addr.Dialable() || n.keep.byAddr[k.Addr] != nil {
			continue
		}
		if k.Seen.After(now) {
			k.Seen = now
		}
		k.Tries = max(k.Tries, 0)
		n.book.Restore(book.Record(k))
		n.hold(k.Addr)
	}
	n.finish(now, e)
}

// ErrDamaged is in the tree of the errors of ParseSaved: what was parsed is
// not what Append wrote, and had better be set aside than overwritten.
var ErrDamaged = errors.New("saved peers are damaged")

const (
	// savedName and savedVersion begin the first line.
	savedName    = "parley-peers"
	savedVersion = 1
	// maxSaved is the most bytes that ParseSaved looks at, and maxSavedItems
	// how many peers and bans each it takes.
	maxSaved      = 64 << 20
	maxSavedItems = 1 << 20
)

// castagnoli is the polynomial of CRC-32C (RFC 3720 appendix B.4).
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends s in the form in which it is kept in a file: a line with the
// name of the format, its version and the CRC-32C of what follows, then JSON.
// On an error it returns dst as it was.
func (s *Saved) Append(dst []byte) ([]byte, error) {
	body, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return dst, fmt.Errorf("saved peers: %w", err)
	}
	body = append(body, '\n')
	dst = fmt.Appendf(dst, "%s %d %08x\n", savedName, savedVersion, crc32.Checksum(body, castagnoli))
	return append(dst, body...), nil
}

// ParseSaved reads what Append wrote. It also takes JSON without the first
// line, so that a file can be written by hand. Fields it does not know, and single
// peers and bans it can not read, are left out. Every error has [ErrDamaged] in
// its tree.
func ParseSaved(b []byte) (*Saved, error) {
	if len(b) > maxSaved {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrDamaged, len(b), maxSaved)
	}
	if !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		line, body, _ := bytes.Cut(b, []byte("\n"))
		if err := checkSaved(string(line), body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		b = body
	}
	var raw struct {
		Time  time.Time         `json:"time"`
		Peers []json.RawMessage `json:"peers"`
		Bans  []json.RawMessage `json:"bans"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	s := &Saved{Time: raw.Time}
	s.Peers = readable(raw.Peers, func(k Known) bool { return k.Addr.Dialable() && k.Tries >= 0 })
	s.Bans = readable(raw.Bans, func(b Ban) bool { return !b.Addr.IsZero() || b.ID != "" })
	return s, nil
}

// checkSaved checks the first line of a file against the rest.
func checkSaved(line string, body []byte) error {
	f := strings.Fields(line)
	if len(f) != 3 || f[0] != savedName {
		return fmt.Errorf("first line: %.40q, want %s, version and checksum", line, savedName)
	}
	if v, err := strconv.Atoi(f[1]); err != nil || v != savedVersion {
		return fmt.Errorf("version: %.20q, want %d", f[1], savedVersion)
	}
	if got := fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)); got != f[2] {
		return fmt.Errorf("checksum: %s, first line says %.20q", got, f[2])
	}
	return nil
}

// readable returns the items that can be read and pass ok.
func readable[T any](raw []json.RawMessage, ok func(T) bool) []T {
	var out []T
	for _, r := range raw[:min(len(raw), maxSavedItems)] {
		var x T
		if json.Unmarshal(r, &x) == nil && ok(x) {
			out = append(out, x)
		}
	}
	return out
}
