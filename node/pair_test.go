package node

import (
	"slices"
	"testing"

	"parley/dialect"
	"parley/node/internal/press"
)

// pairs is an encoder that notes the types of the messages that it is told of.
type pairs struct {
	plainEncoder
	told *[]uint32
}

func (p pairs) Pair(a, b dialect.Message) { *p.told = append(*p.told, a.Type, b.Type) }

func TestEncodersAreToldOfTwoMessagesOfOneLink(t *testing.T) {
	own := func(typ uint32) item { return item{msg: dialect.Message{Type: typ}} }
	all := func(typ uint32) item { return item{msg: dialect.Message{Type: typ}, shared: new(press.Sheet)} }
	for name, c := range map[string]struct {
		next []item
		want []uint32
	}{
		"nothing":             {nil, nil},
		"one":                 {[]item{own(1)}, nil},
		"two":                 {[]item{own(1), own(2)}, []uint32{1, 2}},
		"three":               {[]item{own(1), own(2), own(3)}, []uint32{1, 2}},
		"one for other links": {[]item{own(1), all(2)}, nil},
		"then one of its own": {[]item{all(1), own(2)}, nil},
	} {
		var told []uint32
		b := batch{pairer: pairs{told: &told}}
		b.pair(c.next)
		if !slices.Equal(told, c.want) {
			t.Errorf("%s: told of %v, want %v", name, told, c.want)
		}
	}
	(&batch{}).pair([]item{own(1), own(2)}) // an encoder that does not want to know
}
