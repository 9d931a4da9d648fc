package peer

import (
	"slices"
	"sync"

	"parley/compat/soter/wire"
	"parley/dialect/bitcoin"
)

const (
	chunkSize = 64 << 10 // bytes after which another chunk is begun
	chunkStep = 4 << 10  // bytes from which on a chunk has room for all of them
	maxUsual  = 42       // chunks of about that size that are kept for later
	usualSize = 96 << 10 // bytes that such a chunk has at most
	usualNote = 32       // notes that it has room for at most
	maxLong   = 4 << 20  // bytes of a longer one that may be used again
)

// note is a message in a chunk that somebody wants to hear about.
type note struct {
	mark  uint32          // its type, if the rules are to be told
	ping  uint64          // nonce, if it is a ping with one
	size  int             // bytes
	msg   wire.Message    // for the listener
	done  chan<- struct{} // to be signalled, or nil
	err   error           // why it could not be encoded; nothing after it is sent
	after int             // where in the chunk it ends
}

// chunk is what one or a few system calls write.
type chunk struct {
	b      []byte // whole messages
	summed bool   // they have their checksums
	notes  []note
}

// spares are chunks for later, of all peers. The usual ones are kept, 4 MiB of them at
// most, since a pool would lose half of them to the collector while peers are busy; those
// that grew long are the collector's to free.
var spares struct {
	mu    sync.Mutex
	usual []*chunk
	long  sync.Pool
}

// newChunk returns an empty chunk. If it is soon full it has room for all it takes.
func newChunk(soon bool) *chunk {
	spares.mu.Lock()
	defer spares.mu.Unlock()
	if n := len(spares.usual); n > 0 {
		c := spares.usual[n-1]
		spares.usual = spares.usual[:n-1]
		return c
	}
	c, _ := spares.long.Get().(*chunk)
	if c == nil {
		c = new(chunk)
	}
	if soon {
		c.b = slices.Grow(c.b, chunkSize+chunkStep)
	}
	return c
}

func (c *chunk) free() {
	if cap(c.b) > maxLong {
		return
	}
	clear(c.notes)
	c.b, c.summed, c.notes = c.b[:0], false, c.notes[:0]
	if cap(c.b) <= usualSize && cap(c.notes) <= usualNote {
		spares.mu.Lock()
		defer spares.mu.Unlock()
		if len(spares.usual) < maxUsual {
			spares.usual = append(spares.usual, c)
		}
		return
	}
	spares.long.Put(c)
}

// special returns what a note says of a message. Requests are reported to the rules,
// which expect answers; pings are timed.
func special(msg wire.Message) (mark uint32, ping uint64) {
	switch m := msg.(type) {
	case *wire.MsgPing:
		return 0, m.Nonce
	case *wire.MsgGetData:
		return bitcoin.TypeGetData, 0
	case *wire.MsgGetBlocks:
		return bitcoin.TypeGetBlocks, 0
	case *wire.MsgGetHeaders:
		return bitcoin.TypeGetHeaders, 0
	case *wire.MsgMemPool:
		return bitcoin.TypeMemPool, 0
	case *wire.MsgVersion:
		return bitcoin.TypeVersion, 0
	}
	return 0, 0
}
