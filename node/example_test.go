package node_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/node"
	"parley/route"
)

// printer prints what arrives.
type printer struct {
	joined chan *node.Link
	got    chan struct{}
}

func (p printer) Peer(l *node.Link, up bool, why error) {
	if up {
		p.joined <- l
	}
}

func (p printer) Note(l *node.Link, v any) {}

func (p printer) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		fmt.Printf("%s\n", m.Body) // m.Clone() would be needed to keep it
	}
	p.got <- struct{}{}
}

// Two nodes of one network find each other, and one tells the other something.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait() // until both have ended
	defer cancel()

	start := func(h node.Handler, seeds ...addr.Addr) *node.Node {
		n, err := node.New(node.Config{
			Dialect: toy.New(toy.Config{}),
			Self:    dialect.Self{Network: 1},
			Handler: h,
			Listen:  []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}}, // port 0 chooses one
			Seeds:   seeds,
		})
		if err != nil {
			panic(err)
		}
		wg.Go(func() {
			if err := n.Run(ctx); err != nil {
				panic(err)
			}
		})
		<-n.Ready()
		return n
	}
	listener := printer{joined: make(chan *node.Link, 1), got: make(chan struct{}, 1)}
	speaker := printer{joined: make(chan *node.Link, 1), got: make(chan struct{}, 1)}
	first := start(listener)
	second := start(speaker, first.Listening()...)

	<-speaker.joined
	second.Broadcast(dialect.Message{Type: toy.App, Body: []byte("hello")}, route.All(), nil)
	<-listener.got
	// Output: hello
}
