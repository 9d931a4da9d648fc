package core

import (
	"testing"

	"parley/internal/puretest"
)

// TestPure checks that two runs of the brain can not differ.
func TestPure(t *testing.T) { puretest.Check(t, ".", "book", "../internal/heapq") }
