// Package config is what a daemon can be told and by whom: a table of named
// settings, read from built-in defaults, a file, the environment and flags, in
// that order, into one plain struct that remembers where each value came from.
//
// Values are merged as text and read once, after the merge, so a problem is
// reported with the field, the value, what is allowed and its origin. Files are
// TOML, or INI as factomd's configuration is written.
package config
