package structure

import (
	"bytes"
	"fmt"
	"regexp"
)

// promises are words for work put off. They are put together here so that this
// file does not contain them.
var promises = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)

// Words checks every text file for promises. What is not done is either left
// out or written down as an issue.
func (t *Tree) Words() []Finding {
	var found []Finding
	for _, x := range t.texts {
		n := 0
		for line := range bytes.Lines(x.data) {
			n++
			if w := promises.Find(line); w != nil {
				found = append(found, Finding{x.path, n, fmt.Sprintf("no %s in the tree: do it or leave it out", w)})
			}
		}
	}
	return sorted(found)
}
