package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"parley/core"
)

// saveEvery is the least time between two saves, except at the end.
const saveEvery = 10 * time.Second

// maxFile is more than any file that Load takes.
const maxFile = 64<<20 + 1

// Store keeps what a node remembers between runs. Load is called once, before
// Run serves; Save on a goroutine of its own, never twice at once.
type Store interface {
	// Load returns what was saved last, or nil if nothing was.
	Load() (*core.Saved, error)
	// Save keeps s in place of what was saved before.
	Save(s *core.Saved) error
}

// OpenFile returns a store in the file at path, whose directory is made if need
// be. A crash at any instant leaves what was saved last or before that. A
// damaged file is set aside under another name with a warning to log, which may
// be nil, and then nothing is remembered. Nothing is touched before Load.
func OpenFile(path string, log *slog.Logger) Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &file{path: path, log: log}
}

// file is a Store. Its methods are never called at the same time.
type file struct {
	path string
	log  *slog.Logger
}

// Load implements Store.
func (f *file) Load() (*core.Saved, error) {
	b, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := core.ParseSaved(b)
	if err == nil {
		return s, nil
	}
	aside := f.path + ".damaged-" + time.Now().UTC().Format("20060102-150405.000")
	if rerr := os.Rename(f.path, aside); rerr != nil {
		return nil, fmt.Errorf("%w; and it could not be set aside: %w", err, rerr)
	}
	f.log.Warn("damaged file set aside", "file", f.path, "as", aside, "err", err)
	return nil, nil
}

func (f *file) read() ([]byte, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxFile))
}

// Save implements Store.
func (f *file) Save(s *core.Saved) error {
	b, err := s.Append(nil)
	if err != nil {
		return err
	}
	return WriteFile(f.path, b)
}

// WriteFile replaces the content of the file at path, whose directory is made
// if need be. A crash at any instant leaves the old content or the new. Two
// calls for one path must not overlap.
func WriteFile(path string, b []byte) error {
	for _, step := range (&file{path: path}).steps(b) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// steps returns what replaces the file's content by b. After any of them it is
// whole: the old, or from the renaming on the new. The directory is synced
// too, or else the new name could be lost after the old.
func (f *file) steps(b []byte) []func() error {
	dir, next := filepath.Dir(f.path), f.path+".new"
	var w *os.File
	return []func() error{
		func() error { return os.MkdirAll(dir, 0o700) },
		func() (err error) {
			w, err = os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			return err
		},
		func() error { return closing(w, func() error { _, err := w.Write(b); return err }) },
		func() error { return closing(w, w.Sync) },
		func() error { return w.Close() },
		func() error { return os.Rename(next, f.path) },
		func() error { return syncDir(dir) },
	}
}

// closing runs f and closes w if that fails.
func closing(w *os.File, f func() error) error {
	err := f()
	if err != nil {
		w.Close()
	}
	return err
}

// syncDir makes a directory's entries durable, where the system has such a thing.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// saver decides when to save. Owned by the brain.
type saver struct {
	dirty bool // there is something to save
	busy  bool // the last save is under way
	last  time.Time
	part  *core.Saved // being put together, a part with each wake, or nil
	final *core.Saved // what to save at the end: the links were still up
}

// saveDue reports when to save next, or to go on with it, or the zero time.
func (n *Node) saveDue() time.Time {
	s := &n.save
	switch {
	case n.stopping:
		return time.Time{}
	case s.part != nil:
		return s.last
	case n.cfg.Store == nil || !s.dirty || s.busy:
		return time.Time{}
	}
	return s.last.Add(saveEvery)
}

func (n *Node) saveIfDue(now time.Time) {
	if at := n.saveDue(); at.IsZero() || now.Before(at) {
		return
	}
	if n.save.part == nil {
		n.save.dirty, n.save.busy, n.save.last, n.save.part = false, true, now, new(core.Saved)
	}
	s := n.save.part
	if n.core.Save(now, s) {
		return
	}
	n.save.part = nil
	n.wg.Go(func() {
		err := n.store(s)
		n.inbox.put(func(time.Time) {
			n.save.busy = false
			n.save.dirty = n.save.dirty || err != nil
		})
	})
}

// store saves s, or logs why not.
func (n *Node) store(s *core.Saved) error {
	if n.cfg.Store == nil {
		return nil
	}
	err := n.cfg.Store.Save(s)
	if err != nil {
		n.cfg.Log.Error("not saved", "err", err)
	}
	return err
}
