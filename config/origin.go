package config

import (
	"fmt"
	"strconv"
)

// Layer says who set a value. A later layer overrides an earlier one.
type Layer uint8

// The layers, from weakest to strongest.
const (
	Default Layer = iota
	File
	Env
	Flag
)

var layers = [...]string{"default", "file", "env", "flag"}

// String returns the layer's name in lower case.
func (l Layer) String() string { return layers[l] }

// MarshalText writes the layer's name, for JSON.
func (l Layer) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Origin is where a value came from.
type Origin struct {
	Layer Layer  `json:"layer"`
	Where string `json:"where,omitzero"` // the file's path, the variable, the flag with its dashes, or what a default depends on
	Line  int    `json:"line,omitzero"`  // in a file, from 1; 0 if it could not be told
}

// String returns the origin as people read it: "default", "path:line",
// "env NAME" or "flag --name".
func (o Origin) String() string {
	switch {
	case o.Layer == File && o.Line == 0:
		return o.Where
	case o.Layer == File:
		return o.Where + ":" + strconv.Itoa(o.Line)
	case o.Layer == Default && o.Where != "":
		return "default of " + o.Where
	case o.Where == "":
		return o.Layer.String()
	}
	return o.Layer.String() + " " + o.Where
}

// Error says what is wrong with one setting.
type Error struct {
	Field  string // key of the field
	Value  string // as it was given
	Want   string // what is allowed
	Origin Origin
}

// Error names the field, the value, what is allowed and the origin.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %.80q: want %s (%s)", e.Field, e.Value, e.Want, e.Origin)
}
