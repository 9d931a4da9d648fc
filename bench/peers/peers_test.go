package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// Every library moves some messages, and all of them arrive.
func TestContenders(t *testing.T) {
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) {
			for _, open := range []func() (*pipe, error){c.base, c.open} {
				p, err := open()
				if err != nil {
					t.Fatal(err)
				}
				if err := p.run(t.Context(), 50); err != nil {
					t.Error(err)
				}
				if got := p.got.Got(); got != 50*p.each {
					t.Errorf("%d arrived of 50 for each of %d", got, p.each)
				}
				p.close()
			}
		})
	}
}

func TestTable(t *testing.T) {
	rs := []result{{"a", "v1", 0.5, 0.25, 0.75}}
	var text, object bytes.Buffer
	if err := write(&text, rs, false); err != nil || !strings.Contains(text.String(), "0.500") {
		t.Errorf("%s, error %v", &text, err)
	}
	var back []result
	if err := write(&object, rs, true); err != nil || json.Unmarshal(object.Bytes(), &back) != nil || back[0] != rs[0] {
		t.Errorf("%s, error %v", &object, err)
	}
	if err := run(t.Context(), []string{"-turns", "0"}, io.Discard, io.Discard); err == nil {
		t.Error("no turns were taken")
	}
}
