// Package toy is the smallest complete dialect: an opening exchange in which
// either side may refuse the other and say where else to try, framed messages,
// a ping after silence, and peer exchange. No real network speaks it. It shows
// how a dialect is written, and it is what the engine is tested with.
//
// On the wire, all numbers little-endian:
//
//	opening   dialer: hello; listener: hello, verdict; dialer: verdict
//	hello     network u32, nonce u64, listen port u16
//	verdict   1 | 0, length u16, reason length u8, reason, addresses
//	message   body length u32, type u8, body
//	addresses each: length u16, text as in package addr
package toy

import (
	"time"

	"parley/dialect"
)

// The message types. Only App reaches the application; the others are the
// session's own.
const (
	Ping     uint32 = iota // asks for a Pong
	Pong                   // answers a Ping
	GetPeers               // asks for Peers
	Peers                  // addresses, only ever sent when asked for
	App                    // an application message
)

// The defaults of Config.
const (
	DefaultPing    = 20 * time.Second
	DefaultAsk     = time.Minute
	DefaultMaxBody = 1 << 20
)

// maxShare is how many addresses one answer may hold.
const maxShare = 32

// Config sets the habits and limits of the dialect. Fields that are not
// positive mean the default given with each.
type Config struct {
	Ping    time.Duration // silence of a peer after which it is pinged: 20s
	Timeout time.Duration // silence after which its link ends: three times Ping
	Ask     time.Duration // how often a node that wants links asks one peer for addresses: 1m
	MaxBody int           // bytes in the body of one message, both ways: 1 MiB
}

// toy is the dialect with its defaults filled in.
type toy struct{ cfg Config }

// New returns the dialect. It is safe for concurrent use.
func New(cfg Config) dialect.Dialect {
	cfg.Ping = positive(cfg.Ping, DefaultPing)
	cfg.Timeout = positive(cfg.Timeout, 3*cfg.Ping)
	cfg.Ask = positive(cfg.Ask, DefaultAsk)
	cfg.MaxBody = positive(cfg.MaxBody, DefaultMaxBody)
	return toy{cfg}
}

func positive[T time.Duration | int](v, or T) T {
	if v > 0 {
		return v
	}
	return or
}

// Name implements dialect.Dialect.
func (t toy) Name() string { return "toy" }

// Rules implements dialect.Dialect.
func (t toy) Rules(v dialect.View) dialect.Rules {
	return &rules{cfg: t.cfg, view: v, sessions: map[dialect.LinkID]*session{}}
}
