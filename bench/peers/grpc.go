package main

import (
	"context"
	"errors"
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

// grpcStream is a stream of messages from a client to a server, in clear.
func grpcStream() (*pipe, error) {
	p, e := newPipe(), new(ends)
	p.close = e.close
	desc := grpc.StreamDesc{StreamName: "Send", ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			var b []byte
			if err := s.RecvMsg(&b); err != nil {
				return err
			}
			p.got.Add(1)
		}
	}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpc.ForceServerCodec(plain{}))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "bench", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{desc}}, nil)
	e.wg.Go(func() { s.Serve(ln) })
	e.closes = append(e.closes, forget(s.Stop))
	c, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(plain{})))
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.closes = append(e.closes, c.Close)
	out, err := c.NewStream(context.Background(), &desc, "/bench/Send")
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	msg := body()
	p.send = func() error { return out.SendMsg(&msg) }
	return p, nil
}
