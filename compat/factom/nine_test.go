package p2p

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"parley/dialect"
)

// nine starts three networks of each version that are all connected.
func nine(t *testing.T) []*Network {
	t.Helper()
	var all []*Network
	var special []string
	for i := range 9 {
		c := numbered(local(uint16(9+i%3)), i+1)
		c.Special = strings.Join(special, ",")
		n := start(t, c)
		all = append(all, n)
		special = append(special, at(n))
	}
	eventually(t, "everybody is connected with everybody", func() bool {
		for _, n := range all {
			if n.Total() != 8 {
				return false
			}
		}
		return true
	})
	return all
}

// ledger is what one network got.
type ledger struct {
	mu    sync.Mutex
	texts map[string]int // payload → how often
	from  map[string]string
}

func (l *ledger) read(n *Network) {
	for p := range n.Reader() {
		l.mu.Lock()
		l.texts[string(p.Payload)]++
		l.from[string(p.Payload)] = p.Address
		l.mu.Unlock()
	}
}

func (l *ledger) total() (sum int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.texts {
		sum += k
	}
	return sum
}

// Three networks each of versions 9, 10 and 11 exchange every kind of parcel,
// all at once, and none is lost or doubled.
func TestNineNetworksLoseNothing(t *testing.T) {
	const each = 200
	all := nine(t)
	wantVersions(t, all)
	got := make([]*ledger, len(all))
	var readers, senders sync.WaitGroup
	for i, n := range all {
		got[i] = &ledger{texts: map[string]int{}, from: map[string]string{}}
		readers.Go(func() { got[i].read(n) })
		senders.Go(func() {
			for k := range each {
				for _, target := range []string{Broadcast, FullBroadcast, RandomPeer} {
					n.BlockingSend(NewParcel(target, fmt.Appendf(nil, "%s %d %d", target, i, k)))
				}
				for _, p := range n.peers.Slice() {
					n.BlockingSend(NewParcel(p.Hash, fmt.Appendf(nil, "%s %d %d", p.Hash, i, k)))
				}
			}
		})
	}
	senders.Wait()
	want := 9 * each * (8 + 8 + 1 + 8)
	sum := func() (sum int) {
		for _, l := range got {
			sum += l.total()
		}
		return sum
	}
	eventually(t, fmt.Sprintf("%d parcels arrive", want), func() bool { return sum() >= want })
	for _, n := range all {
		if i := n.GetInfo(); i.Dropped != 0 {
			t.Errorf("%d dropped", i.Dropped)
		}
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
	if sum() != want {
		t.Errorf("%d parcels arrived, want %d", sum(), want)
	}
	for i := range got {
		checkLedger(t, all, got, i, each)
	}
}

// checkLedger checks what the i-th network sent.
func checkLedger(t *testing.T, all []*Network, got []*ledger, i, each int) {
	t.Helper()
	for k := range each {
		randoms := 0
		for j, l := range got {
			randoms += l.texts[fmt.Sprintf("%s %d %d", RandomPeer, i, k)]
			if i == j {
				continue
			}
			for _, target := range []string{Broadcast, FullBroadcast, hashOf(all[j])} {
				text := fmt.Sprintf("%s %d %d", target, i, k)
				if l.texts[text] != 1 || l.from[text] != hashOf(all[i]) {
					t.Fatalf("network %d got %q %d times, from %q", j, text, l.texts[text], l.from[text])
				}
			}
		}
		if randoms != 1 {
			t.Fatalf("random parcel %d of network %d arrived %d times", k, i, randoms)
		}
	}
}

// hashOf returns what others call a network on loopback.
func hashOf(n *Network) string {
	return fmt.Sprintf("%s %08x", at(n), n.conf.NodeID)
}

// wantVersions checks what each two have agreed on: the dialer's version, but
// version 9 where a 10 dials a 9.
func wantVersions(t *testing.T, all []*Network) {
	t.Helper()
	for i, n := range all {
		for j, m := range all {
			if i == j {
				continue
			}
			p := n.peers.Get(hashOf(m))
			if p == nil {
				t.Fatalf("network %d does not know %d", i, j)
			}
			dialer, listener := n.conf.ProtocolVersion, m.conf.ProtocolVersion
			if p.IsIncoming {
				dialer, listener = listener, dialer
			}
			want := dialer
			if dialer == 10 && listener == 9 {
				want = 9
			}
			if got := p.GetMetrics().ConnectionState; got != fmt.Sprint("v", want) {
				t.Errorf("networks %d and %d speak %s, want version %d", i, j, got, want)
			}
		}
	}
}

// Above the limits of queues, what arrives and what is counted as lost is
// together what was sent, whoever lost it.
func TestEveryLossIsCounted(t *testing.T) {
	const count = 20000
	ca, cb := numbered(local(10), 1), numbered(local(11), 2)
	ca.ChannelCapacity, cb.ChannelCapacity = 16, 16
	a, b := pair(t, ca, cb)
	body := make([]byte, 1<<10)
	for range count {
		b.Send(NewParcel(FullBroadcast, body))
	}
	got := 0
	eventually(t, "every parcel is accounted for", func() bool {
		for {
			select {
			case <-a.Reader():
				got++
				continue
			default:
			}
			lost := a.GetInfo().Dropped + b.GetInfo().Dropped
			return got+int(lost) == count
		}
	})
	if lost := b.GetInfo().Dropped; lost == 0 || got == 0 {
		t.Errorf("%d arrived and %d were lost: not the test it means to be", got, lost)
	}
}

// When a link ends, all that its last read brought and that the application did
// not take is counted, however many groups of parcels that is.
func TestEveryUnreadParcelIsCounted(t *testing.T) {
	const room, groups = 16, 3*burst + 1
	c := numbered(local(11), 1)
	c.ChannelCapacity = room
	n, _ := pair(t, c, numbered(local(11), 2))
	p := only(t, n)
	ms := make([]dialect.Message, groups*slabParcels)
	for i := range ms {
		ms[i] = dialect.Message{Type: uint32(TypeMessage), For: dialect.ToApp, Lent: true, Body: []byte{byte(i)}}
	}
	var wg sync.WaitGroup
	wg.Go(func() { n.receive(p.link, ms) })
	eventually(t, "the channel is full", func() bool { return len(n.FromNetwork) == room })
	n.Disconnect(p.Hash)
	wg.Wait()
	want := uint64(len(ms) - room)
	if in, of := n.GetInfo().Dropped, p.GetMetrics().Dropped; in != want || of != want {
		t.Errorf("%d counted by the network and %d for the peer, want %d", in, of, want)
	}
	for i := range room {
		if got := next(t, n); string(got.Payload) != string([]byte{byte(i)}) || got.Address != p.Hash {
			t.Errorf("parcel %d is %x of %s", i, got.Payload, got.Address)
		}
	}
}
