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
	if text := out.String(); !strings.HasPrefix(text, "oneway/factom-11/32B\n ") || !strings.Contains(text, "kernel") || strings.Count(text, " %  ") == 0 {
		t.Errorf("no profile in\n%s", text)
	}
}
