package raw

import (
	"testing"
	"time"
)

// Every piece is sealed, with a nonce of its own.
func TestSeal(t *testing.T) {
	s, err := NewSeal(2500)
	if err != nil {
		t.Fatal(err)
	}
	s.Do(2)
	if s.count != 6 || len(s.out) != 2500-2*sealSize+s.aead.Overhead() {
		t.Errorf("%d pieces, the last of %d bytes", s.count, len(s.out))
	}
}

func TestTraffic(t *testing.T) {
	f, err := NewTraffic(3, 250)
	if err != nil {
		t.Fatal(err)
	}
	n, _, _, err := f.Run(t.Context(), 50*time.Millisecond)
	if err != nil || n != 3*5 || f.got.Got() != n {
		t.Errorf("%d messages, %d arrived, error %v; want 15", n, f.got.Got(), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, _, _, err := f.Run(t.Context(), time.Millisecond); err == nil {
		t.Error("closed connections took something")
	}
}
