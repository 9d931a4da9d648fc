package core

import (
	"errors"
	"io"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// One identity may have several links if the configuration says so, and it is not
// dialed as long as it has any.
func TestTwice(t *testing.T) {
	for _, twice := range []bool{false, true} {
		n := newNode(1, Config{Outbound: -1, Twice: twice})
		var e Effects
		var ids []LinkID
		in := dialect.Intro{ID: "one"}
		for i := range 3 {
			id, err := n.Accepted(epoch, at("8.1.0.1:5000").WithPort(uint16(5000+i)))
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Admit(epoch, id, in, &e); errors.Is(err, fault.Refused) == (twice || i == 0) {
				t.Errorf("Twice is %v: link %d: %v", twice, i, err)
			} else if err == nil {
				n.Opened(epoch, id, in, &e)
				ids = append(ids, id)
			}
		}
		n.Tune(epoch, Config{Outbound: -1, Twice: !twice}, &e) // which does not change it
		for left := len(ids); left > 0; left-- {
			if n.byID["one"] == nil || n.byID["one"] != n.links[ids[0]] {
				t.Errorf("Twice is %v: with %d links the identity has not the oldest", twice, left)
			}
			n.Closed(epoch, ids[0], fault.New(fault.IO, "read", io.EOF), &e)
			ids = ids[1:]
		}
		if len(n.byID) != 0 {
			t.Errorf("Twice is %v: an identity without a link is remembered", twice)
		}
	}
}
