package speech

import (
	"crypto/sha256"
	"errors"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/dialect/bitcoin"
)

// inventory is the Speaker of Bitcoin's kind. A node announces a block with inv,
// and so says how far it is; who does not have it asks with getdata and gets it in
// a block message. Who lacks earlier ones asks for their names with getblocks,
// which is answered with inv.
//
// The blocks are the chain's own. Their name is the double SHA-256 of all of
// them, so a node learns the height of a block when it has it.
type inventory struct {
	params bitcoin.Params
	chain  *chain.Chain
	window int           // heights to know the names of
	batch  int           // names in one answer
	wait   time.Duration // how long a block that was asked for may take

	hashes  map[uint64]bitcoin.Hash
	heights map[bitcoin.Hash]uint64
	asked   map[bitcoin.Hash]time.Time // until when an answer is waited for
}

func newInventory(p bitcoin.Params, c *chain.Chain, l Limits) *inventory {
	return &inventory{
		params: p, chain: c, window: 2 * l.Keep, batch: l.Batch, wait: l.Wait,
		hashes:  make(map[uint64]bitcoin.Hash),
		heights: make(map[bitcoin.Hash]uint64),
		asked:   make(map[bitcoin.Hash]time.Time),
	}
}

// Say implements [Speaker].
func (v *inventory) Say(m chain.Message) (dialect.Message, bool) {
	switch m.Kind {
	case chain.Block:
		if _, ok := v.hashes[m.Header.Height]; !ok {
			v.learn(m.Header.Height, sha256.Sum256(m.Body))
		}
		return v.announce(m.Header.Height, m.Header.Height)
	case chain.Have:
		return v.announce(m.To, m.To)
	}
	return message(bitcoin.TypeGetBlocks, v.appendGetBlocks(nil, m.From-1)), true
}

// Hear implements [Speaker].
func (v *inventory) Hear(now time.Time, m dialect.Message, sum [sha256.Size]byte) (told []chain.Message, answers []dialect.Message, err error) {
	switch m.Type {
	case bitcoin.TypeInv:
		return v.inv(now, m.Body)
	case bitcoin.TypeGetData:
		answers, err = v.getData(m.Body)
	case bitcoin.TypeGetBlocks:
		after, err := v.parseGetBlocks(m.Body)
		if err != nil {
			return nil, nil, err
		}
		if inv, ok := v.announce(after+1, after+uint64(v.batch)); ok {
			answers = append(answers, inv)
		}
	case bitcoin.TypeBlock:
		b, err := chain.Parse(m.Body)
		if err == nil && b.Kind != chain.Block {
			err = errors.New("block: is none")
		}
		if err != nil {
			return nil, nil, err
		}
		v.learn(b.Header.Height, sum)
		told = append(told, b, chain.NewHave(b.Header.Height))
	case bitcoin.TypeNotFound:
		invs, err := v.params.ParseInvs(m.Body)
		for _, i := range invs {
			delete(v.asked, i.Hash)
		}
		return nil, nil, err
	}
	return told, answers, err
}

// announce returns an inv of the blocks that we keep between two heights, and
// false if there are none. Those beyond a gap are among them: somebody may lack
// just those.
func (v *inventory) announce(from, to uint64) (dialect.Message, bool) {
	var invs []bitcoin.Inv
	for h := from; h <= to; h++ {
		if hash, ok := v.hashes[h]; ok && v.chain.Block(h) != nil {
			invs = append(invs, bitcoin.Inv{Type: bitcoin.InvBlock, Hash: hash, Height: int32(h)})
		}
	}
	return message(bitcoin.TypeInv, v.params.AppendInvs(nil, invs)), len(invs) > 0
}

// inv asks for the announced blocks that we do not know and have not just asked
// somebody for. Those we know tell how far the peer is.
func (v *inventory) inv(now time.Time, body []byte) (told []chain.Message, answers []dialect.Message, err error) {
	invs, err := v.params.ParseInvs(body)
	if err != nil {
		return nil, nil, err
	}
	var ask []bitcoin.Inv
	for _, i := range invs {
		h := v.heights[i.Hash]
		switch {
		case i.Type != bitcoin.InvBlock:
		case h > 0 && (h <= v.chain.Height() || v.chain.Block(h) != nil):
			told = append(told, chain.NewHave(h))
		case now.Before(v.asked[i.Hash]) || !v.room(now):
		default:
			v.asked[i.Hash] = now.Add(v.wait)
			ask = append(ask, i)
		}
	}
	if len(ask) > 0 {
		answers = append(answers, message(bitcoin.TypeGetData, v.params.AppendInvs(nil, ask)))
	}
	return told, answers, nil
}

// room reports whether another block may be asked for. What was waited for in
// vain is forgotten.
func (v *inventory) room(now time.Time) bool {
	if len(v.asked) < v.window {
		return true
	}
	for hash, until := range v.asked {
		if !now.Before(until) {
			delete(v.asked, hash)
		}
	}
	return len(v.asked) < v.window
}

// getData answers with the blocks, and names those that we do not keep.
func (v *inventory) getData(body []byte) (answers []dialect.Message, err error) {
	invs, err := v.params.ParseInvs(body)
	if err != nil {
		return nil, err
	}
	var missing []bitcoin.Inv
	for _, i := range invs {
		b := v.chain.Block(v.heights[i.Hash]) // there is none at height 0
		if b == nil || i.Type != bitcoin.InvBlock {
			missing = append(missing, i)
			continue
		}
		answers = append(answers, message(bitcoin.TypeBlock, b))
	}
	if len(missing) > 0 {
		answers = append(answers, message(bitcoin.TypeNotFound, v.params.AppendInvs(nil, missing)))
	}
	return answers, nil
}

// learn notes the name of a block from the SHA-256 of it. Every height comes by
// sooner or later, so names do not outlive their window.
func (v *inventory) learn(height uint64, sum [sha256.Size]byte) {
	hash := bitcoin.Hash(sha256.Sum256(sum[:]))
	delete(v.asked, hash)
	v.hashes[height], v.heights[hash] = hash, height
	if old := height - uint64(v.window); old < height {
		delete(v.heights, v.hashes[old])
		delete(v.hashes, old)
	}
}

// message returns a message of the application. Requests are not marked, so nobody
// is dropped who does not answer: with --drop it may be none of his doing.
func message(typ uint32, body []byte) dialect.Message {
	return dialect.Message{Type: typ, For: dialect.ToApp, Body: body}
}
