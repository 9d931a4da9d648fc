package raw

import "encoding/binary"

// Feed is a stream whose frames are written from ready-made bytes, a whole
// buffer at a time, so that what the process spends is what reading costs and
// the kernel takes. Its reader is that of [Stream].
type Feed struct {
	*Stream
	lump []byte
}

// NewFeed opens a stream that is fed with frames of size bytes.
func NewFeed(size int) (*Feed, error) {
	s, err := NewStream(size)
	if err != nil {
		return nil, err
	}
	f := &Feed{Stream: s}
	for len(f.lump) == 0 || len(f.lump)+headSize+size <= bufferSize {
		f.lump = binary.BigEndian.AppendUint32(f.lump, uint32(size))
		f.lump = append(f.lump, s.body...)
	}
	return f, nil
}

// Send writes n frames.
func (f *Feed) Send(n int) error {
	f.sent += int64(n)
	for left := n * (headSize + f.size); left > 0; {
		k, err := f.out.Write(f.lump[:min(left, len(f.lump))])
		if err != nil {
			return err
		}
		left -= k
	}
	return nil
}
