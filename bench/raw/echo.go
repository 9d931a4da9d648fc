package raw

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Echo sends single frames to a peer that sends each back at once.
type Echo struct {
	here, there *net.TCPConn
	frame       []byte
	back        []byte
	wg          sync.WaitGroup
}

// NewEcho opens an echo of frames with bodies of size bytes.
func NewEcho(size int) (*Echo, error) {
	if size < 1 {
		return nil, fmt.Errorf("body: %d bytes, at least 1", size)
	}
	here, there, err := Pair()
	if err != nil {
		return nil, err
	}
	e := &Echo{here: here, there: there, frame: make([]byte, headSize+size), back: make([]byte, headSize+size)}
	binary.BigEndian.PutUint32(e.frame, uint32(size))
	e.wg.Go(e.answer)
	return e, nil
}

func (e *Echo) answer() {
	buf := make([]byte, len(e.frame))
	for {
		if _, err := io.ReadFull(e.there, buf); err != nil {
			return
		}
		if _, err := e.there.Write(buf); err != nil {
			return
		}
	}
}

// Trip sends one frame and waits for its return.
func (e *Echo) Trip() error {
	if _, err := e.here.Write(e.frame); err != nil {
		return err
	}
	_, err := io.ReadFull(e.here, e.back)
	return err
}

// Close ends the connection and waits for the peer.
func (e *Echo) Close() error {
	err := e.here.Close()
	e.wg.Wait()
	return errors.Join(err, e.there.Close())
}
