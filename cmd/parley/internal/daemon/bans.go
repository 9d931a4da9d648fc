package daemon

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"parley/addr"
	"parley/config"
	"parley/core"
	"parley/node"
)

const (
	// configured is the reason of bans that hold while they are listed. It
	// tells them from those made while the node ran.
	configured    = "configured"
	configuredFor = 10 * 365 * 24 * time.Hour

	maxBansFile = 1 << 20 // bytes

	// maxBans leaves as many to those who are banned while the node runs: a node
	// that holds too many lets the one go that is over first.
	maxBans = core.MaxBans / 2
)

// listedBans returns the addresses that the settings and the file they name say
// to refuse.
func listedBans(s *config.Settings) ([]addr.Addr, error) {
	list := slices.Clone(s.Ban)
	more, err := readBans(s.BansFile)
	if err != nil {
		return nil, fmt.Errorf("bans-file: %w", err)
	}
	if list = append(list, more...); len(list) > maxBans {
		return nil, fmt.Errorf("ban and bans-file: %d bans, limit %d", len(list), maxBans)
	}
	return list, nil
}

// readBans reads a file of bans; no name, no bans.
func readBans(path string) ([]addr.Addr, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := parseBans(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// parseBans reads a host, or host:port, a line; what follows # or ; is a comment.
// A line that is neither is an error, because a ban that silently does not hold
// is worse than a node that says so.
func parseBans(r io.Reader) ([]addr.Addr, error) {
	var list []addr.Addr
	lr := &io.LimitedReader{R: r, N: maxBansFile + 1}
	sc := bufio.NewScanner(lr)
	for n := 1; sc.Scan(); n++ {
		line, _, _ := strings.Cut(sc.Text(), "#")
		line, _, _ = strings.Cut(line, ";")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		a, err := config.ParseMachine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %.80q: want a host, or host:port", n, line)
		}
		if list = append(list, a); len(list) > maxBans {
			return nil, fmt.Errorf("line %d: over the limit of %d bans", n, maxBans)
		}
	}
	if lr.N == 0 {
		return nil, fmt.Errorf("over the limit of %d bytes", maxBansFile)
	}
	return list, sc.Err()
}

// banStore lets a node start with the listed bans in force, and without those
// that were listed when it was last saved.
type banStore struct {
	node.Store // nil remembers nothing
	listed     []addr.Addr
	imported   *core.Saved // from another program's file; nil for nothing
}

// Load returns what was saved, with the listed bans, and with what is imported.
func (b *banStore) Load() (*core.Saved, error) {
	saved := &core.Saved{}
	if b.Store != nil {
		s, err := b.Store.Load()
		if err != nil {
			return nil, err
		}
		if s != nil {
			saved = s
		}
	}
	saved.Bans = slices.DeleteFunc(saved.Bans, func(old core.Ban) bool { return old.Why == configured })
	until := time.Now().Add(configuredFor)
	if b.imported != nil {
		takeOver(saved, b.imported)
	}
	for _, a := range b.listed {
		saved.Bans = append(saved.Bans, core.Ban{Addr: a, Until: until, Why: configured})
	}
	return saved, nil
}

// takeOver adds those imported peers of which nothing is remembered. Bans are taken
// over at the first start alone: who was let in again since then stays in.
func takeOver(saved, imported *core.Saved) {
	have := make(map[addr.Addr]bool, len(saved.Peers))
	for _, k := range saved.Peers {
		have[k.Addr] = true
	}
	for _, k := range imported.Peers {
		if !have[k.Addr] {
			saved.Peers = append(saved.Peers, k)
		}
	}
	if saved.Time.IsZero() {
		saved.Bans = append(saved.Bans, imported.Bans...)
	}
}

// Save keeps what the node remembers.
func (b *banStore) Save(s *core.Saved) error {
	if b.Store == nil {
		return nil
	}
	return b.Store.Save(s)
}

// rebans makes the listed bans those in force and lifts those that are listed no
// more. Bans of other origin stay, but for those of addresses that are listed.
func rebans(n *node.Node, listed []addr.Addr) error {
	if _, err := n.Lift(unlisted(listed)); err != nil {
		return err
	}
	for _, a := range listed {
		if _, err := n.Ban(a, "", configuredFor, configured); err != nil {
			return err
		}
	}
	return nil
}

// unlisted chooses the bans that were listed and are no more.
func unlisted(listed []addr.Addr) func(core.Ban) bool {
	held := make(map[addr.Addr]bool, len(listed))
	for _, a := range listed {
		held[a] = true
	}
	return func(b core.Ban) bool { return b.Why == configured && !held[b.Addr] }
}
