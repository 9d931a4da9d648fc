package main

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// plain is a codec that leaves bytes as they are, so that no encoding is measured.
type plain struct{}

func (plain) Name() string { return "plain" }

func (plain) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (plain) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = b
	return nil
}

// remote is streams of grpc-go, in clear, from a client to servers, each with a
// connection of its own. Sending blocks.
func remote(servers int) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, servers)
		var outs []grpc.ClientStream
		for i := range servers {
			s, err := l.call(i)
			if err != nil {
				return l.fail(err)
			}
			outs = append(outs, s)
		}
		l.send = func() error {
			return each(outs, func(s grpc.ClientStream) error { return s.SendMsg(&l.body) })
		}
		return l, nil
	}
}

// call starts a server and opens a stream to it.
func (l *line) call(receiver int) (grpc.ClientStream, error) {
	desc := grpc.StreamDesc{StreamName: "Send", ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			var b []byte
			if err := s.RecvMsg(&b); err != nil {
				return err
			}
			l.count(receiver, len(b))
		}
	}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpc.ForceServerCodec(plain{}))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "bench", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{desc}}, nil)
	l.wg.Go(func() { s.Serve(ln) })
	l.lastly(s.Stop)
	c, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(plain{})))
	if err != nil {
		return nil, err
	}
	l.last(c.Close)
	return c.NewStream(context.Background(), &desc, "/bench/Send")
}
