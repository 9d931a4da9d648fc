package main

import (
	"bufio"
	"context"
	"io"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	streamName  protocol.ID = "/bench/1"
	bufferBytes             = 64 << 10
)

// streams is one host of go-libp2p with a stream to each of the others. With a
// buffer, messages go out 64 KiB at a time. Writing blocks.
func streams(receivers int, buffered bool) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, receivers)
		out, err := l.host()
		if err != nil {
			return l.fail(err)
		}
		var writers []io.Writer
		var buffers []*bufio.Writer
		for i := range receivers {
			s, err := l.stream(out, i)
			if err != nil {
				return l.fail(err)
			}
			if !buffered {
				writers = append(writers, s)
				continue
			}
			b := bufio.NewWriterSize(s, bufferBytes)
			writers, buffers = append(writers, b), append(buffers, b)
		}
		l.send = func() error {
			return each(writers, func(w io.Writer) error { _, err := w.Write(l.body); return err })
		}
		l.flush = func() error { return each(buffers, (*bufio.Writer).Flush) }
		return l, nil
	}
}

// host is one of go-libp2p over TCP, with its usual security and multiplexer.
func (l *line) host() (host.Host, error) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
	if err == nil {
		l.last(h.Close)
	}
	return h, err
}

// stream opens a stream from a host to a new one.
func (l *line) stream(out host.Host, receiver int) (network.Stream, error) {
	in, err := l.host()
	if err != nil {
		return nil, err
	}
	in.SetStreamHandler(streamName, func(s network.Stream) { l.read(s, receiver) })
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	if err := out.Connect(ctx, peer.AddrInfo{ID: in.ID(), Addrs: in.Addrs()}); err != nil {
		return nil, err
	}
	s, err := out.NewStream(ctx, in.ID(), streamName)
	if err == nil {
		l.last(s.Reset)
	}
	return s, err
}

// read counts messages of the one size there is.
func (l *line) read(r io.Reader, receiver int) {
	b, buf := bufio.NewReaderSize(r, bufferBytes), make([]byte, len(l.body))
	for {
		if _, err := io.ReadFull(b, buf); err != nil {
			return
		}
		l.count(receiver, len(buf))
	}
}
