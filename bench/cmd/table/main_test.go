package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	args := []string{"-rows", "oneway/factom-11/32B", "-time", "4ms", "-reps", "2"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "oneway/factom-11/32B") || !strings.Contains(text, "0.4 raw or") {
		t.Errorf("the table lacks its row or target:\n%s", text)
	}
	out.Reset()
	if err := run(t.Context(), append(args, "-json"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var report struct{ Rows []struct{ Name string } }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Rows) != 1 {
		t.Errorf("%d rows, error %v", len(report.Rows), err)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"-rows", "nothing"}, {"-reps", "0"}, {"-x"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

func TestProfiles(t *testing.T) {
	var out bytes.Buffer
	args := []string{"-rows", "oneway/factom-11/32B", "-time", "300ms", "-profiles", t.TempDir()}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.HasPrefix(text, "oneway/factom-11/32B\n ") {
		t.Errorf("no profile in\n%s", text)
	}
}

func TestWriteTop(t *testing.T) {
	text := "Type: cpu\nShowing nodes accounting for 2s, 100% of 2s total\n      flat  flat%   sum%        cum   cum%\n" +
		"     1.20s 60.00% 60.00%      1.20s 60.00%  internal/runtime/syscall/linux.Syscall6\n" +
		"     0.50s 25.00% 85.00%      0.60s 30.00%  parley/node.(*batch).add\n" +
		"     0.10s  5.00% 90.00%      0.10s  5.00%  runtime.nanotime (inline)\n" +
		"     0.20s 10.00%   100%      0.20s 10.00%  parley/node.(*outbox).put\n" +
		"         0     0%   100%      0.50s 25.00%  net.(*conn).Write\n"
	want := "oneway\n  kernel 60 %, engine 35 %, runtime and library 5 %\n" +
		"    60.0 %  internal/runtime/syscall/linux.Syscall6\n" +
		"    25.0 %  parley/node.(*batch).add\n" +
		"     5.0 %  runtime.nanotime (inline)\n" +
		"    10.0 %  parley/node.(*outbox).put\n\n"
	var out bytes.Buffer
	if err := writeTop(&out, "oneway", []byte(text)); err != nil || out.String() != want {
		t.Errorf("error %v, got\n%s", err, out.String())
	}
}
