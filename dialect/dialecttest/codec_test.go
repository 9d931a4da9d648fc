package dialecttest

import (
	"testing"

	"parley/dialect"
	"parley/fault"
)

// moody returns a dialect that never encodes a message alike.
func moody() broken {
	n := byte(0)
	return withCodec(codec{append: func(_, out []byte, err error) ([]byte, error) {
		n++
		return append(out, n), err
	}})
}

var codecFaults = []planted{
	{"codec/round-trip", "other bytes", withCodec(codec{next: func(_ []byte, m dialect.Message, n int, err error) (dialect.Message, int, error) {
		m.Body = m.Body[:max(len(m.Body), 1)-1]
		return m, n, err
	}})},
	{"codec/round-trip", "not for the application", withCodec(codec{next: func(_ []byte, m dialect.Message, n int, err error) (dialect.Message, int, error) {
		if m.For != 0 {
			m.For = dialect.ToSession
		}
		return m, n, err
	}})},
	{"codec/round-trip", "took 0 bytes", withCodec(codec{next: func(_ []byte, m dialect.Message, n int, err error) (dialect.Message, int, error) {
		return m, 0, err
	}})},
	{"codec/round-trip", "does not append", withCodec(codec{append: func(dst, out []byte, err error) ([]byte, error) {
		return out[len(dst):], err
	}})},
	{"codec/cut", "asks for", withCodec(codec{next: func(buf []byte, m dialect.Message, n int, err error) (dialect.Message, int, error) {
		if n > len(buf) {
			n++
		}
		return m, n, err
	}})},
	{"codec/cut", "a message that takes", withCodec(codec{next: func(buf []byte, m dialect.Message, n int, err error) (dialect.Message, int, error) {
		m.For = dialect.ToApp
		return m, n, err
	}})},
	{"codec/frame", "differs from what Append writes", withCodec(codec{frame: func(out []byte, tail int) ([]byte, int) {
		return append(out, 0), tail + 1
	}})},
	{"codec/frame", "a tail of 99", withCodec(codec{frame: func(out []byte, tail int) ([]byte, int) { return out, 99 }})},
	{"codec/frame", "share the encoding", moody()},
	{"codec/pack", "7 messages became 6", withPacker(3)},
	{"codec/limit", "want what was there", withCodec(codec{append: func(dst, out []byte, err error) ([]byte, error) {
		if err != nil {
			out = append(out, 1)
		}
		return out, err
	}})},
	{"codec/limit", "one too many, are encoded", withCodec(codec{append: func(dst, out []byte, err error) ([]byte, error) {
		return out, nil
	}})},
	{"codec/limit", "want local", withCodec(codec{append: func(dst, out []byte, err error) ([]byte, error) {
		if err != nil {
			err = blame(fault.Protocol)
		}
		return out, err
	}})},
	{"codec/repeatable", "encodes the same messages differently", moody()},
	{"codec/damaged", "want protocol", withCodec(codec{next: func(_ []byte, m dialect.Message, n int, err error) (dialect.Message, int, error) {
		if err != nil {
			err = errOdd
		}
		return m, n, err
	}})},
}

func TestFindsFaultsInCodec(t *testing.T) { finds(t, codecFaults) }
