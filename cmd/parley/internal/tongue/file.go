package tongue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"parley/config"
	"parley/core"
)

// maxImportFile is the most bytes of a file of peers.
const maxImportFile = 64 << 20

// Imported returns what is in the file that the settings say to take over, or
// nothing if there is none.
func Imported(s *config.Settings) (*core.Saved, error) {
	saved := &core.Saved{}
	err := readImport(s, func(file []byte) (err error) {
		saved, err = Of(s).Import(s, file)
		return err
	})
	return saved, err
}

// readImport calls parse with the file to take over, if there is one.
func readImport(s *config.Settings, parse func(file []byte) error) error {
	if s.ImportPeers == "" {
		return nil
	}
	b, err := readFile(s.ImportPeers, maxImportFile)
	if err != nil {
		return fmt.Errorf("import-peers: %w", err)
	}
	if err := parse(b); err != nil {
		return fmt.Errorf("import-peers: %s: %w", s.ImportPeers, err)
	}
	return nil
}

// readFile reads a file of at most max bytes.
func readFile(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%s: over the limit of %d bytes", path, max)
	}
	return b, err
}

// describe adds the line to an error about JSON.
func describe(file []byte, err error) error {
	at := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = e.Offset
	}
	if at < 0 || at > int64(len(file)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(file[:at], []byte("\n")), err)
}
