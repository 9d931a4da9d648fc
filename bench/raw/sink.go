package raw

import (
	"io"

	"parley/bench/measure"
)

// Sink reads r until it fails and counts every frame bytes as one arrival. What
// the bytes are it does not look at: it stands for a peer whose own work is not
// to be measured.
func Sink(r io.Reader, frame int, got *measure.Tally) {
	sink(r, make([]byte, bufferSize), frame, got)
}

func sink(r io.Reader, buf []byte, frame int, got *measure.Tally) {
	for part := 0; ; {
		n, err := r.Read(buf)
		part += n
		if whole := part / frame; whole > 0 {
			got.Add(int64(whole))
			part -= whole * frame
		}
		if err != nil {
			return
		}
	}
}
