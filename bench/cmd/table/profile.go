package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/bench"
)

// topLines is how many functions are printed of each profile.
const topLines = 10

// profile writes a profile of each row to dir, and prints of each what the
// parts of the system took and which functions most.
func profile(ctx context.Context, rows []bench.Row, d time.Duration, dir string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	at := func(r bench.Row) string { return filepath.Join(dir, strings.ReplaceAll(r.Name, "/", "_")+".pprof") }
	err := bench.Profile(ctx, rows, d, func(r bench.Row) (io.WriteCloser, error) { return os.Create(at(r)) })
	if err != nil {
		return err
	}
	for _, r := range rows {
		text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodefraction=0", "-nodecount=1000000", at(r)).Output()
		if err != nil {
			return fmt.Errorf("%s: go tool pprof: %w", r.Name, err)
		}
		if err := writeTop(out, r.Name, text); err != nil {
			return err
		}
	}
	return nil
}

// function is one line of a profile.
type function struct {
	name string
	flat float64 // percent of all samples
}

// writeTop prints one profile, of the text that "go tool pprof -top" makes.
func writeTop(out io.Writer, name string, text []byte) error {
	all := functions(text)
	parts := map[string]float64{}
	for _, f := range all {
		parts[partOf(f.name)] += f.flat
	}
	names := make([]string, 0, len(parts))
	for p := range parts {
		names = append(names, p)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(parts[b], parts[a]), cmp.Compare(a, b)) })
	var w bytes.Buffer
	fmt.Fprintf(&w, "%s\n ", name)
	for i, p := range names {
		if i > 0 {
			w.WriteString(",")
		}
		fmt.Fprintf(&w, " %s %.0f %%", p, parts[p])
	}
	w.WriteString("\n")
	for _, f := range all[:min(len(all), topLines)] {
		fmt.Fprintf(&w, "%8.1f %%  %s\n", f.flat, f.name)
	}
	w.WriteString("\n")
	_, err := out.Write(w.Bytes())
	return err
}

// functions reads lines such as
//
//	0.49s 19.68% 65.06%      0.49s 19.68%  parley/wire.fold
func functions(text []byte) (all []function) {
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) < 6 || !strings.HasSuffix(fields[1], "%") {
			continue
		}
		flat, err := strconv.ParseFloat(strings.TrimSuffix(fields[1], "%"), 64)
		if err != nil || flat == 0 {
			continue
		}
		all = append(all, function{strings.Join(fields[5:], " "), flat})
	}
	return all
}

// parts says whose work a function is, by how its name begins. The first that
// fits counts.
var parts = []struct{ part, begins string }{
	{"kernel", "internal/runtime/syscall/linux.Syscall6 runtime.futex runtime.epoll runtime.madvise runtime.usleep"},
	{"cipher and hashes", "crypto/ golang.org/x/crypto parley/dialect/bitcoin/internal/sum parley/wire.fold parley/wire.koopman hash/"},
	{"codec", "parley/dialect parley/wire"},
	{"engine", "parley/node parley/core parley/route parley/stats parley/internal parley/addr parley/transport"},
	{"simulator", "parley/sim"},
	{"measuring", "parley/bench"},
	{"copying", "runtime.memmove"},
}

func partOf(name string) string {
	for _, p := range parts {
		for begins := range strings.FieldsSeq(p.begins) {
			if strings.HasPrefix(name, begins) {
				return p.part
			}
		}
	}
	return "runtime and library"
}
