package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	topicName = "bench"
	// gossipQueue is the length of each queue between them, which drop what they
	// have no room for. The window is shorter.
	gossipQueue  = 1 << 10
	gossipWindow = gossipQueue / 4
)

// gossip is one publisher of gossipsub, linked to every subscriber. It sends what it
// publishes to all of them: by default only some would have it from there, and the
// others, which nobody links, never. Unsigned messages are told apart by their hash,
// so each begins with its number.
func gossip(receivers int, signed bool) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, receivers)
		l.window = gossipWindow
		ctx, stop := context.WithCancel(context.Background())
		l.lastly(stop)
		out, err := l.host()
		if err != nil {
			return l.fail(err)
		}
		topic, err := join(ctx, out, signed)
		if err != nil {
			return l.fail(err)
		}
		for i := range receivers {
			if err := l.subscribeTo(ctx, out, i, signed); err != nil {
				return l.fail(err)
			}
		}
		for begin := time.Now(); len(topic.ListPeers()) < receivers; {
			if time.Since(begin) > patience {
				return l.fail(errSlow)
			}
			<-time.After(10 * time.Millisecond)
		}
		number := uint64(0)
		l.send = func() error {
			m := append([]byte(nil), l.body...) // the library keeps it
			number++
			binary.BigEndian.PutUint64(m, number)
			return topic.Publish(ctx, m)
		}
		return l, nil
	}
}

func join(ctx context.Context, h host.Host, signed bool) (*pubsub.Topic, error) {
	options := []pubsub.Option{pubsub.WithFloodPublish(true), pubsub.WithPeerOutboundQueueSize(gossipQueue), pubsub.WithValidateQueueSize(gossipQueue)}
	if !signed {
		options = append(options, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
			pubsub.WithMessageIdFn(func(m *pb.Message) string { sum := sha256.Sum256(m.Data); return string(sum[:]) }))
	}
	ps, err := pubsub.NewGossipSub(ctx, h, options...)
	if err != nil {
		return nil, err
	}
	return ps.Join(topicName)
}

func (l *line) subscribeTo(ctx context.Context, out host.Host, receiver int, signed bool) error {
	in, err := l.host()
	if err != nil {
		return err
	}
	topic, err := join(ctx, in, signed)
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe(pubsub.WithBufferSize(gossipQueue))
	if err != nil {
		return err
	}
	l.wg.Go(func() {
		for {
			m, err := sub.Next(ctx)
			if err != nil {
				return
			}
			l.count(receiver, len(m.Data))
		}
	})
	opening, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return out.Connect(opening, peer.AddrInfo{ID: in.ID(), Addrs: in.Addrs()})
}
