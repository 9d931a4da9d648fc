package main

import (
	"errors"
	"io"
	"log"

	"github.com/hashicorp/memberlist"
)

// delegate is what a member does with messages.
type delegate struct{ got func(size int) }

func (d delegate) NodeMeta(int) []byte             { return nil }
func (d delegate) NotifyMsg(m []byte)              { d.got(len(m)) }
func (d delegate) GetBroadcasts(int, int) [][]byte { return nil }
func (d delegate) LocalState(bool) []byte          { return nil }
func (d delegate) MergeRemoteState([]byte, bool)   {}

// members is two of memberlist. A reliable message takes a connection of its own,
// and members do not say when they have taken it: hence a window. The ports of this
// machine are not enough for many in a row.
func members(size int) (pipe, error) {
	l := newLine(size, 1)
	l.window, l.most = 64, 1000
	out, err1 := l.member("out", func(int) {})
	in, err2 := l.member("in", func(size int) { l.count(0, size) })
	if err := errors.Join(err1, err2); err != nil {
		return l.fail(err)
	}
	to := in.LocalNode()
	if _, err := out.Join([]string{to.Address()}); err != nil {
		return l.fail(err)
	}
	l.send = func() error { return out.SendReliable(to, l.body) }
	return l, nil
}

func (l *line) member(name string, got func(int)) (*memberlist.Memberlist, error) {
	cfg := memberlist.DefaultLocalConfig()
	cfg.Name, cfg.BindAddr, cfg.BindPort, cfg.AdvertisePort = name, "127.0.0.1", 0, 0
	cfg.Delegate = delegate{got}
	cfg.Logger = log.New(io.Discard, "", 0)
	m, err := memberlist.Create(cfg)
	if err == nil {
		l.last(m.Shutdown)
	}
	return m, err
}
