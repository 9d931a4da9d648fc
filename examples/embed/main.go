// Command embed is the smallest program that talks through Parley: two nodes in
// one process, connected over TCP on loopback, and one message.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/node"
	"parley/route"
)

// app receives what arrives at one node.
type app struct {
	name string
	up   chan *node.Link
	got  chan string
}

func (a *app) Peer(l *node.Link, up bool, why error) {
	if up {
		a.up <- l
	}
}

func (a *app) Note(l *node.Link, v any) {}

// Receive runs on the peer's own goroutine; the bodies are lent until it returns.
func (a *app) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		a.got <- fmt.Sprintf("%s got %q", a.name, m.Body)
	}
}

func start(ctx context.Context, wg *sync.WaitGroup, name string, peers ...addr.Addr) (*node.Node, *app) {
	d, err := factom.New(factom.Config{Version: 11, NodeID: uint32(len(name))})
	if err != nil {
		log.Fatal(err)
	}
	a := &app{name: name, up: make(chan *node.Link, 1), got: make(chan string, 1)}
	loopback, _ := addr.Parse("127.0.0.1:1")
	n, err := node.New(node.Config{
		Dialect: d,
		Self:    dialect.Self{Network: factom.NetworkID("myNetwork")},
		Listen:  []addr.Addr{loopback.WithPort(0)}, // any free port
		Core:    core.Config{Always: peers},        // peers to hold on to
		Handler: a,
	})
	if err != nil {
		log.Fatal(err)
	}
	wg.Go(func() {
		if err := n.Run(ctx); err != nil { // until ctx is done
			log.Fatal(err)
		}
	})
	<-n.Ready()
	return n, a
}

func main() {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	alice, a := start(ctx, &wg, "alice")
	bob, b := start(ctx, &wg, "bob", alice.Listening()...)

	link := <-b.up // bob has reached alice
	fmt.Println("they speak factom version", link.Intro().Version)
	bob.Broadcast(dialect.Message{Type: factom.TypeMessage, For: dialect.ToApp, Body: []byte("hello")}, route.All(), nil)
	fmt.Println(<-a.got)

	stop()
	wg.Wait() // every goroutine of both nodes has ended
}
