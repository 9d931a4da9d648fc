// Package load puts nodes to work over loopback, both ends in one process: one
// way, there and back, to many peers, or holding links that do nothing. It does
// the work and counts it; package bench times it and compares.
package load

import (
	"fmt"

	"parley/dialect"
	"parley/dialect/factom"
	"parley/dialect/toy"
)

// Language is a dialect and how an application's messages look in it.
type Language struct {
	Name    string // as in the names of rows
	Dialect dialect.Dialect
	Type    uint32 // of application messages
}

// Languages returns every dialect there is to measure, the simplest first.
func Languages() ([]Language, error) {
	all := []Language{{Name: "toy", Dialect: toy.New(toy.Config{}), Type: toy.App}}
	for _, version := range []uint16{factom.V9, factom.V10, factom.V11} {
		d, err := factom.New(factom.Config{Version: version})
		if err != nil {
			return nil, err
		}
		all = append(all, Language{Name: fmt.Sprintf("factom-%d", version), Dialect: d, Type: factom.TypeMessage})
	}
	return all, nil
}

// message returns an application message. Its body must not change.
func (l Language) message(body []byte) dialect.Message {
	return dialect.Message{Type: l.Type, For: dialect.ToApp, Body: body}
}

// body returns size bytes that are neither equal nor random: a dialect that
// looks at them must not find them easier than real ones.
func body(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 131 >> 3)
	}
	return b
}
