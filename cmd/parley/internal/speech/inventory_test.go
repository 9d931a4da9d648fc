package speech

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/dialect/bitcoin"
)

var start = time.Unix(1e9, 0)

// speakers are two nodes that speak a language of Bitcoin's kind to each other.
type speakers struct {
	t      *testing.T
	params bitcoin.Params
	have   *inventory // has blocks 1 to 4
	lack   *inventory
	now    time.Time
}

func newSpeakers(t *testing.T, p bitcoin.Params) *speakers {
	l := Limits{Keep: 100, Batch: 64, Wait: time.Second}
	make := func() *inventory {
		c := chain.New(chain.Config{Interval: time.Second, Retry: time.Second, Keep: l.Keep, Batch: l.Batch})
		return newInventory(p, c, l)
	}
	s := &speakers{t: t, params: p, have: make(), lack: make(), now: start}
	for h := uint64(1); h <= 4; h++ {
		b := testBlock(h)
		s.have.chain.Make(s.now, b, chain.Header{Height: h}, nil)
		s.have.learn(h, sha256.Sum256(b))
	}
	return s
}

func testBlock(height uint64) []byte {
	return chain.AppendBlock(nil, chain.Header{Height: height, Made: start}, []byte("filler"))
}

// hear lets one of them hear a message, and returns what came of it in words.
func (s *speakers) hear(v *inventory, m dialect.Message) (words []string, answers []dialect.Message) {
	s.t.Helper()
	told, answers, err := v.Hear(s.now, m, sha256.Sum256(m.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range told {
		switch c.Kind {
		case chain.Block:
			words = append(words, fmt.Sprint("block ", c.Header.Height))
			v.chain.Handle(s.now, 1, c, true, nil)
		case chain.Have:
			words = append(words, fmt.Sprint("have ", c.To))
		}
	}
	for _, a := range answers {
		name, _ := bitcoin.CommandName(a.Type)
		if a.Type != bitcoin.TypeBlock {
			invs, err := s.params.ParseInvs(a.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			name += fmt.Sprint(" of ", len(invs))
		}
		words = append(words, name)
	}
	return words, answers
}

func (s *speakers) want(why string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: %s, want %s", why, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// TestInventory follows blocks from their names to the chain of who lacked them.
func TestInventory(t *testing.T) {
	for _, p := range []bitcoin.Params{bitcoin.SoterSim(), bitcoin.BitcoinSim()} {
		s := newSpeakers(t, p)
		inv, ok := s.have.Say(chain.NewHave(2))
		if !ok || inv.Type != bitcoin.TypeInv {
			t.Fatalf("a height is said by type %d, %v", inv.Type, ok)
		}
		got, ask := s.hear(s.lack, inv)
		s.want("a name that is not known is asked for", got, "getdata of 1")
		got, _ = s.hear(s.lack, inv)
		s.want("nobody else is asked meanwhile", got)
		s.now = s.now.Add(s.lack.wait)
		got, _ = s.hear(s.lack, inv)
		s.want("until it took too long", got, "getdata of 1")
		got, answer := s.hear(s.have, ask[0])
		s.want("the block is the answer", got, "block")
		got, _ = s.hear(s.lack, answer[0])
		s.want("it goes to the chain, and tells how far the sender is", got, "block 2", "have 2")
		got, _ = s.hear(s.lack, inv)
		s.want("a name that is known tells how far the sender is", got, "have 2")

		wanted := chain.Message{Kind: chain.Want, From: 1, To: 1}
		gb, _ := s.lack.Say(wanted)
		got, names := s.hear(s.have, gb)
		s.want("names of all blocks are the answer to a request from the first on", got, "inv of 4")
		got, _ = s.hear(s.lack, names[0])
		s.want("all that lack are asked for", got, "have 2", "getdata of 3")
		wanted.From = 3
		gb, _ = s.lack.Say(wanted)
		got, _ = s.hear(s.have, gb)
		s.want("a request after a block is answered with those after it", got, "inv of 2")
	}
}

// TestInventoryOddities wants answers to what cannot be had, and errors for what
// is no message.
func TestInventoryOddities(t *testing.T) {
	s := newSpeakers(t, bitcoin.BitcoinSim())
	unknown := s.params.AppendInvs(nil, []bitcoin.Inv{{Type: bitcoin.InvBlock, Hash: bitcoin.Hash{9}}, {Type: bitcoin.InvTx}})
	got, answer := s.hear(s.have, message(bitcoin.TypeGetData, unknown))
	s.want("what is not there", got, "notfound of 2")
	s.lack.asked[bitcoin.Hash{9}] = s.now.Add(time.Hour)
	s.hear(s.lack, answer[0])
	if len(s.lack.asked) != 0 {
		t.Error("who says that it does not have a block is waited for")
	}
	if _, ok := s.lack.Say(chain.NewHave(0)); ok {
		t.Error("a node without blocks announces one")
	}
	for _, m := range []dialect.Message{
		message(bitcoin.TypeInv, []byte{1}), message(bitcoin.TypeGetData, []byte{2, 0}), message(bitcoin.TypeGetBlocks, []byte("short")),
		message(bitcoin.TypeBlock, []byte("X")), message(bitcoin.TypeNotFound, nil),
	} {
		if told, answers, err := s.lack.Hear(s.now, m, sha256.Sum256(m.Body)); err == nil || told != nil || answers != nil {
			t.Errorf("type %d with %q: told %v, answers %v, %v", m.Type, m.Body, told, answers, err)
		}
	}
}

// TestInventoryIsBounded lets many blocks and many names pass by.
func TestInventoryIsBounded(t *testing.T) {
	s := newSpeakers(t, bitcoin.SoterSim())
	v := s.lack
	v.window = 20
	for h := uint64(1); h <= 100; h++ {
		v.learn(h, sha256.Sum256(testBlock(h)))
		s.hear(v, message(bitcoin.TypeInv, s.params.AppendInvs(nil, []bitcoin.Inv{{Type: bitcoin.InvBlock, Hash: bitcoin.Hash{byte(h), 1}}})))
	}
	if len(v.hashes) != 20 || len(v.heights) != 20 || len(v.asked) != 20 {
		t.Errorf("%d and %d names, %d waited for, limit 20", len(v.hashes), len(v.heights), len(v.asked))
	}
	s.now = s.now.Add(v.wait)
	s.hear(v, message(bitcoin.TypeInv, s.params.AppendInvs(nil, []bitcoin.Inv{{Type: bitcoin.InvBlock, Hash: bitcoin.Hash{8, 8}}})))
	if len(v.asked) != 1 {
		t.Errorf("%d names are waited for in vain", len(v.asked))
	}
}
