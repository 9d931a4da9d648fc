package toy_test

import (
	"testing"

	"parley/dialect/dialecttest"
	"parley/dialect/toy"
)

func TestConformance(t *testing.T) {
	dialecttest.Run(t, toy.New(toy.Config{MaxBody: 100_000}), dialecttest.Options{App: toy.App, MaxBody: 100_000})
}
