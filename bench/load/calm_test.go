package load

import (
	"testing"
	"time"
)

func eleven(t *testing.T) Language {
	t.Helper()
	all, err := Languages()
	must(t, err)
	return all[3]
}

func TestTraffic(t *testing.T) {
	f, err := NewTraffic(eleven(t), 5, 250)
	must(t, err)
	n, took, _, err := f.Run(t.Context(), 50*time.Millisecond)
	must(t, err)
	if n != 5*5 || took < 40*time.Millisecond || f.got.got.Got() != n {
		t.Errorf("%d messages in %v, %d arrived, want 25", n, took, f.got.got.Got())
	}
	must(t, f.Close())
}

// A slow peer is held to its outbox, what is dropped for it is known and why, and
// the others get everything.
func TestUneven(t *testing.T) {
	f, err := NewUneven(eleven(t), 2, 64<<10)
	must(t, err)
	for {
		must(t, f.Send(50))
		must(t, f.Wait())
		queued, why, err := f.Held()
		must(t, err)
		if queued > 8<<20 {
			t.Fatalf("%d bytes wait for the slow peer, limit %d", queued, 8<<20)
		}
		if why.Full > 0 {
			if why.Forgotten+why.Unsendable+why.Closing > 0 {
				t.Errorf("dropped for %+v, want for lack of room alone", why)
			}
			break
		}
	}
	must(t, f.Close())
}

func TestQuiet(t *testing.T) {
	q, err := NewQuiet(eleven(t), 5)
	must(t, err)
	pings, late, err := q.Rest(t.Context(), time.Millisecond)
	if err != nil || pings > 5 || late != 0 {
		t.Errorf("%d pings, the latest %v late, error %v", pings, late, err)
	}
	must(t, q.Close())
}
