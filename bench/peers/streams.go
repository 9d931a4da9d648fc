package main

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const streamName protocol.ID = "/bench/1"

// libp2pStreams is one host with a stream to each of the others, over TCP with its
// usual security and multiplexer. With a buffer, messages go out 64 KiB at a time.
func libp2pStreams(receivers int, buffered bool) (*pipe, error) {
	p, e := newPipe(), new(ends)
	p.each, p.close = int64(receivers), e.close
	fail := func(err error) (*pipe, error) { return nil, errors.Join(err, e.close()) }
	newHost := func() (host.Host, error) {
		h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics(),
			libp2p.ResourceManager(&network.NullResourceManager{}))
		if err == nil {
			e.closes = append(e.closes, h.Close)
		}
		return h, err
	}
	out, err := newHost()
	if err != nil {
		return fail(err)
	}
	var writers []io.Writer
	var flushes []func() error
	for range receivers {
		in, err := newHost()
		if err != nil {
			return fail(err)
		}
		in.SetStreamHandler(streamName, func(s network.Stream) { count(s, p) })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := out.Connect(ctx, peer.AddrInfo{ID: in.ID(), Addrs: in.Addrs()}); err != nil {
			return fail(err)
		}
		s, err := out.NewStream(ctx, in.ID(), streamName)
		if err != nil {
			return fail(err)
		}
		e.closes = append(e.closes, s.Reset)
		if !buffered {
			writers = append(writers, s)
			continue
		}
		w := bufio.NewWriterSize(s, 64<<10)
		writers, flushes = append(writers, w), append(flushes, w.Flush)
	}
	msg := body()
	p.send = func() error { return each(writers, func(w io.Writer) error { _, err := w.Write(msg); return err }) }
	p.flush = func() error { return each(flushes, func(f func() error) error { return f() }) }
	return p, nil
}

// count counts messages of the one size there is.
func count(r io.Reader, p *pipe) {
	b, buf := bufio.NewReaderSize(r, 64<<10), make([]byte, bodySize)
	for {
		if _, err := io.ReadFull(b, buf); err != nil {
			return
		}
		p.got.Add(1)
	}
}

func each[T any](all []T, do func(T) error) error {
	for _, v := range all {
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}
