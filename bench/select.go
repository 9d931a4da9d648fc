package bench

import (
	"fmt"
	"path"
	"strings"
)

// Select returns the rows that match a list of patterns with commas between
// them, in the order of rows. A pattern is that of [path.Match] for a whole name
// or its first parts: "oneway", "*/factom-11", "oneway/*/1KiB". The empty list
// matches all. A pattern that matches nothing is an error.
func Select(rows []Row, patterns string) ([]Row, error) {
	if patterns == "" {
		return rows, nil
	}
	chosen := make([]bool, len(rows))
	for p := range strings.SplitSeq(patterns, ",") {
		p = strings.Trim(p, " /")
		found := false
		for i, r := range rows {
			ok, err := path.Match(p, prefix(r.Name, strings.Count(p, "/")+1))
			if err != nil {
				return nil, fmt.Errorf("rows: pattern %q: %w", p, err)
			}
			if ok {
				found, chosen[i] = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("rows: no row matches %q", p)
		}
	}
	var some []Row
	for i, r := range rows {
		if chosen[i] {
			some = append(some, r)
		}
	}
	return some, nil
}

// WithTarget returns the rows that are to reach something.
func WithTarget(rows []Row) []Row {
	var some []Row
	for _, r := range rows {
		if len(r.Targets) > 0 {
			some = append(some, r)
		}
	}
	return some
}

// prefix returns the first n parts of a name.
func prefix(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[:min(n, len(parts))], "/")
}
