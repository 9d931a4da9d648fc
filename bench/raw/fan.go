package raw

import (
	"errors"
	"sync"
)

// Fan is one process writing the same frames to many peers, each through a
// connection and from a goroutine of its own. The peers are sinks.
type Fan struct {
	size    int
	streams []*Stream
}

// NewFan opens connections to the given number of peers, for bodies of size
// bytes.
func NewFan(peers, size int) (*Fan, error) {
	f := &Fan{size: size}
	for range peers {
		s, err := newStream(size)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		s.read(func() { Sink(s.in, headSize+size, s.got) })
		f.streams = append(f.streams, s)
	}
	return f, nil
}

// Send writes n frames to every peer.
func (f *Fan) Send(n int) error {
	return f.each(func(s *Stream) error { return s.Send(n) })
}

// Wait returns once every peer has read every frame sent so far.
func (f *Fan) Wait() error {
	return f.each((*Stream).Wait)
}

func (f *Fan) each(do func(*Stream) error) error {
	errs := make([]error, len(f.streams))
	var wg sync.WaitGroup
	for i, s := range f.streams {
		wg.Go(func() { errs[i] = do(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close ends the connections and waits for their readers.
func (f *Fan) Close() error {
	return f.each((*Stream).Close)
}
