package main

import (
	"context"

	"parley/bench/load"
	"parley/bench/raw"
)

// bare is the baseline: frames through TCP, written in batches.
func bare() (*pipe, error) {
	s, err := raw.NewStream(bodySize)
	if err != nil {
		return nil, err
	}
	return flow(1, func(_ context.Context, n int) error { return s.Send(n) }, s.Wait, s.Close), nil
}

// bareFan is the baseline of one to many: a goroutine for each connection.
func bareFan() (*pipe, error) {
	f, err := raw.NewFan(fanPeers, bodySize)
	if err != nil {
		return nil, err
	}
	return flow(fanPeers, func(_ context.Context, n int) error { return f.Send(n) }, f.Wait, f.Close), nil
}

// language returns what we speak here: the plainest and the sealed dialect.
func language(sealed bool) (load.Language, error) {
	if sealed {
		return load.CometBFT()
	}
	all, err := load.Languages()
	if err != nil {
		return load.Language{}, err
	}
	return all[len(all)-1], nil
}

func ours(sealed bool) (*pipe, error) {
	l, err := language(sealed)
	if err != nil {
		return nil, err
	}
	o, err := load.NewOneWay(context.Background(), l, bodySize)
	if err != nil {
		return nil, err
	}
	return flow(1, o.Send, o.Wait, o.Close), nil
}

func oursFan() (*pipe, error) {
	l, err := language(false)
	if err != nil {
		return nil, err
	}
	f, err := load.NewFan(l, fanPeers, bodySize)
	if err != nil {
		return nil, err
	}
	return flow(fanPeers, func(_ context.Context, n int) error { return f.Send(n) }, f.Wait, f.Close), nil
}
