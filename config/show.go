package config

import "encoding/json"

// Row is one effective setting, ready for a table or JSON.
type Row struct {
	Key    string          `json:"key"`
	Value  json.RawMessage `json:"value"`
	Text   string          `json:"-"` // the value as it could be given
	Origin Origin          `json:"origin"`
}

// Rows returns the effective settings in the order of [Fields]. What is set for
// each network is left out: of the chosen one it shows in port, seed-url and
// special-peers, with its origin.
func (s *Settings) Rows() ([]Row, error) {
	var rows []Row
	for _, f := range Fields() {
		if f.net {
			continue
		}
		value, err := f.JSON(s)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{f.Key, value, f.Text(s), s.Origins[f.Key]})
	}
	return rows, nil
}

// Changed returns the keys of the fields whose values differ between two
// settings, apart by whether a running daemon can take them over.
func Changed(a, b *Settings) (live, fixed []string) {
	for _, f := range Fields() {
		switch {
		case f.net || f.Text(a) == f.Text(b):
		case f.Live:
			live = append(live, f.Key)
		default:
			fixed = append(fixed, f.Key)
		}
	}
	return live, fixed
}
