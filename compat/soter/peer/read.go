package peer

import (
	"errors"
	"fmt"
	"time"

	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/fault"
)

// reader is what the reading goroutine owns.
type reader struct {
	p    *Peer
	in   *intake
	need int  // bytes that the message at the front takes, as far as is known
	deaf bool // the peer is about to end: what still arrives is thrown away

	pver   uint32
	stream *wire.Stream
}

// read decodes and delivers until the connection ends, and returns why it does.
func (p *Peer) read(dec dialect.Decoder) error {
	r := &p.reader
	p.mu.RLock()
	enc := wire.BaseEncoding
	if p.state.witness {
		enc = wire.WitnessEncoding
	}
	r.pver = p.state.negotiated
	p.mu.RUnlock()
	r.stream = wire.NewStream(r.pver, enc|p.out.form)
	p.received(len(r.in.bytes())) // what came with the handshake
	for {
		if err := r.cut(dec); err != nil {
			return err
		}
		n, err := r.in.fill(r.need)
		p.received(n)
		if err != nil {
			r.cut(dec)
			r.in.release()
			return fault.New(fault.KindOf(err), "read", err)
		}
	}
}

// cut delivers all complete messages. While it does nobody is silent.
func (r *reader) cut(dec dialect.Decoder) error {
	some := false
	for buf := r.in.bytes(); len(buf) > 0 && len(buf) >= r.need; buf = r.in.bytes() {
		m, n, err := dec.Next(buf)
		if err != nil {
			return fault.New(fault.Protocol, "decode", err)
		}
		if n > len(buf) {
			r.need = n
			break
		}
		r.need = 0
		if m.For != 0 {
			if !some {
				some = true
				r.p.serving.Store(true)
				r.p.stampRecv()
			}
			r.sort(m)
		}
		r.in.skip(n)
	}
	if some {
		r.p.stampRecv()
		r.p.serving.Store(false)
	}
	return nil
}

// sort gives a message to the rules and to the listeners.
func (r *reader) sort(m dialect.Message) {
	if r.deaf {
		return
	}
	if m.Type == bitcoin.TypeMalformed {
		r.refuse(errors.New(string(m.Body)), 0)
		return
	}
	if m.For&dialect.ToSession != 0 {
		mine := m
		if mine.Body = nil; m.For&dialect.ToApp == 0 {
			mine = m.Clone()
		}
		r.p.consult(func(now time.Time, out *dialect.Out) { r.p.brain.session.Handle(now, mine, out) })
	}
	if m.For&dialect.ToApp != 0 {
		r.deliver(m)
	}
}

// refuse says that what came is malformed, through the rules, which end the peer
// when that was sent.
func (r *reader) refuse(err error, size int) {
	if f := r.p.cfg.Listeners.OnRead; f != nil {
		f(r.p, size, nil, err)
	}
	r.deaf = true
	m := dialect.Message{Type: bitcoin.TypeMalformed, For: dialect.ToSession, Body: fmt.Append(nil, err)}
	r.p.consult(func(now time.Time, out *dialect.Out) { r.p.brain.session.Handle(now, m, out) })
}

// deliver decodes a message and calls the listeners.
func (r *reader) deliver(m dialect.Message) {
	command, ok := bitcoin.CommandName(m.Type)
	if !ok {
		return // of a command that nobody knows, which Bitcoin's networks allow
	}
	p := r.p
	size := headerSize + len(m.Body)
	payload := m.Body
	if keeps(m.Type) {
		payload = r.in.keep(payload)
	}
	msg, err := r.stream.Decode(command, payload, max(0, len(r.in.bytes())-size))
	if err != nil {
		if !r.lenient() {
			r.refuse(err, size)
		} else if f := p.cfg.Listeners.OnRead; f != nil {
			f(p, size, nil, err)
		}
		return
	}
	if f := p.cfg.Listeners.OnRead; f != nil {
		f(p, size, msg, nil)
	}
	if r.admit(msg) {
		p.dispatch(msg, payload)
	}
}

// keeps reports whether a message goes on using its payload. The others are made of
// integers and hashes, which are copied.
func keeps(typ uint32) bool {
	switch typ {
	case bitcoin.TypeInv, bitcoin.TypeGetData, bitcoin.TypeNotFound, bitcoin.TypeHeaders,
		bitcoin.TypePing, bitcoin.TypePong, bitcoin.TypeGetBlocks, bitcoin.TypeGetHeaders:
		return false
	}
	return true
}

// lenient reports whether malformed messages are passed over: on regression nets,
// if the remote is on this machine.
func (r *reader) lenient() bool {
	return r.p.dialect.Params().Lenient && local(r.p.Addr())
}

// admit does what a peer itself has to do about a message. It reports whether the
// listener is to be called.
func (r *reader) admit(msg wire.Message) bool {
	p := r.p
	switch m := msg.(type) {
	case *wire.MsgVersion:
		r.deaf = true // the rules refuse a second one
		return false
	case *wire.MsgVerAck:
		again := false
		p.set(func(s *state) { again, s.verAck = s.verAck, true })
		r.deaf = r.deaf || again // the rules end the peer
		return !again
	case *wire.MsgPong:
		p.ponged(m.Nonce)
	case *wire.MsgSendHeaders:
		p.set(func(s *state) { s.wantsHeaders = true })
	case *wire.MsgFilterLoad, *wire.MsgFilterAdd, *wire.MsgFilterClear:
		return r.bloom(msg.Command())
	}
	return true
}

// bloom reports whether commands of bloom filters are for the listeners. A remote
// that knows of the service bit, BIP111, has to heed it.
func (r *reader) bloom(command string) bool {
	if r.p.cfg.Services&wire.SFNodeBloom != 0 {
		return true
	}
	if r.pver >= wire.BIP0111Version {
		r.deaf = true
		r.p.end(fault.New(fault.Protocol, "peers", fmt.Errorf("%s, and bloom filters are not among the services", command)))
	}
	return false
}
