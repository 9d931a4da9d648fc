// Package record keeps what peers say in a file: a line of JSON for every message.
package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Line is one message. Fields are only added in later versions.
type Line struct {
	Time time.Time `json:"time"` // when it was handed over
	Link uint64    `json:"link"`
	Addr string    `json:"addr"`
	Peer string    `json:"peer,omitzero"` // its identity, if it has one
	Type uint32    `json:"type"`          // as the dialect numbers it
	Kind string    `json:"kind"`          // in words
	Size int       `json:"size"`          // bytes of the body
	Body []byte    `json:"body"`          // in base64; only its beginning if it is shorter than size
}

// File is a journal on disk. It is never longer than its limit: at that it is
// renamed, with .1 behind its name, in place of what had that name, and begun
// anew. Its methods may be called from any goroutine; they wait for the disk.
type File struct {
	path  string
	limit int64
	body  int

	mu   sync.Mutex // guards the rest
	f    *os.File
	size int64
	err  error // the first one; nothing is written after it
}

// Open opens a journal, to append to it, for its owner's eyes alone. It may have
// limit bytes, and a line no more than the first body bytes of a message.
func Open(path string, limit int64, body int) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	r := &File{path: path, limit: limit, body: body}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return r, nil
}

func (r *File) open() error {
	f, err := os.OpenFile(r.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	r.f, r.size = f, fi.Size()
	return nil
}

// Write appends lines. The first error is returned once, and ends the journal: what
// comes later is forgotten.
func (r *File) Write(lines []Line) error {
	var text []byte
	for i := range lines {
		l := lines[i]
		l.Body = l.Body[:min(len(l.Body), r.body)]
		b, err := json.Marshal(&l)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		text = append(append(text, b...), '\n')
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil
	}
	if r.err = r.append(text); r.err != nil {
		return fmt.Errorf("journal: %w", r.err)
	}
	return nil
}

// append writes text, in a new file if it does not fit into this one. A text that
// fits into none is written to the limit: a journal with a gap at the end is better
// than one that grows.
func (r *File) append(text []byte) error {
	if r.size > 0 && r.size+int64(len(text)) > r.limit {
		if err := errors.Join(r.f.Close(), os.Rename(r.path, r.path+".1"), r.open()); err != nil {
			return err
		}
	}
	n, err := r.f.Write(fitting(text, r.limit-r.size))
	r.size += int64(n)
	return err
}

// fitting returns the whole lines of text that fit into some bytes.
func fitting(text []byte, room int64) []byte {
	if int64(len(text)) <= room {
		return text
	}
	text = text[:max(room, 0)]
	for len(text) > 0 && text[len(text)-1] != '\n' {
		text = text[:len(text)-1]
	}
	return text
}

// Close ends the journal.
func (r *File) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = os.ErrClosed
	}
	return r.f.Close()
}
