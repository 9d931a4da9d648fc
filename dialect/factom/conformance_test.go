package factom

import (
	"fmt"
	"testing"

	"parley/dialect/dialecttest"
)

func TestConformance(t *testing.T) {
	for _, v := range []uint16{V9, V10, V11} {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			dialecttest.Run(t, mustNew(t, Config{Version: v}), dialecttest.Options{App: TypeMessage, MinBody: 1})
		})
	}
}
