package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"parley/bench/measure"
)

// Everything moves some messages, and all of them arrive.
func TestContenders(t *testing.T) {
	const n = 50
	for _, w := range works() {
		for _, c := range append(w.all, contender{name: "bare TCP", open: w.base}) {
			t.Run(w.name+"/"+c.name, func(t *testing.T) {
				p, err := c.open(w.size)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				if err := p.Send(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				if err := p.Wait(); err != nil {
					t.Error(err)
				}
				if l, ok := p.(*line); ok && l.got[len(l.got)-1].Got() != n {
					t.Errorf("%d arrived of %d", l.got[len(l.got)-1].Got(), n)
				}
			})
		}
	}
}

func TestWindowHoldsTheSenderBack(t *testing.T) {
	l := newLine(1, 2)
	l.window = 4
	most := int64(0)
	held := 0
	l.send = func() error { held++; return nil }
	l.flush = func() error {
		most = max(most, l.sent-l.got[1].Got())
		l.got[0].Add(int64(held))
		l.got[1].Add(int64(held))
		held = 0
		return nil
	}
	if err := l.Send(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); err != nil {
		t.Fatal(err)
	}
	if most != 4 {
		t.Errorf("%d messages were on their way, want 4", most)
	}
	l.got[1].Add(1)
	if l.Wait() == nil {
		t.Error("one message arrived twice, and nobody said so")
	}
}

func TestEveryKindIsComparedWithOurs(t *testing.T) {
	w := work{name: "w", all: []contender{{}}}
	entries := []*entry{
		{rates: []float64{10, 10, 20}},
		{contender: contender{name: "ours", ours: true}, rates: []float64{5, 5, 5}},
		{contender: contender{name: "sealed", ours: true, sealed: true}, rates: []float64{2, 2, 2}},
		{contender: contender{name: "a"}, rates: []float64{1, 1, math.NaN()}},
		{contender: contender{name: "b", sealed: true}, rates: []float64{1, 1, 1}},
	}
	rows := w.rows(entries)
	for i, want := range []struct{ raw, ours float64 }{{0.5, 1}, {0.2, 1}, {0.1, 0.2}, {0.1, 0.5}} {
		if got := rows[i]; got.ToRaw.Median != want.raw || got.ToOurs.Median != want.ours {
			t.Errorf("%s: %v of raw, %v of ours; want %v", got.Name, got.ToRaw.Median, got.ToOurs.Median, want)
		}
	}
}

func TestReport(t *testing.T) {
	r := report{Rows: []row{
		{Work: "w", Name: "a", Module: "m", Version: "v1", ToRaw: measure.SpreadOf([]float64{0.25})},
		{Work: "w", Name: "b", Error: new("it broke")},
	}}
	var text, object bytes.Buffer
	if err := r.write(&text, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0.25", "v1", "error: it broke"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
	if err := r.write(&object, true); err != nil || !json.Valid(object.Bytes()) {
		t.Errorf("%s, error %v", &object, err)
	}
	if err := run(t.Context(), []string{"-turns", "0"}, io.Discard, io.Discard); err == nil {
		t.Error("no turns were taken")
	}
	if err := run(t.Context(), []string{"-only", "nothing"}, io.Discard, io.Discard); err == nil {
		t.Error("nothing was measured")
	}
}
