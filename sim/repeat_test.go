package sim

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/core"
	"parley/dialect/toy"
	"parley/route"
)

// digest runs a story with everything in it and returns what stands for the
// run: the hash that the world keeps, and one of the trace's text.
func digest(seed uint64, mode Mode) string {
	text := sha256.New()
	w := NewWorld(seed)
	defer w.Close()
	w.Mode, w.Trace = mode, text
	ns := discover(w, 60)
	w.After(20*time.Second, func() { w.Split(ns[:20], ns[20:30]) })
	w.After(50*time.Second, func() { w.Stall(ns[40], 30*time.Second) })
	w.After(60*time.Second, func() { w.Crash(ns[50]); w.Vanish(ns[51]) })
	w.After(90*time.Second, w.Heal)
	w.After(100*time.Second, func() { w.Restart(ns[50]); w.Restart(ns[51]) })
	f := NewFlood(w, route.Fanout(4))
	for i := range 60 {
		f.Start(ns[i%40], toy.App, 1000)
		w.Run(3 * time.Second)
	}
	return fmt.Sprintf("%016x %x %d", w.TraceHash(), text.Sum(nil), w.Steps())
}

const digestEnv = "PARLEY_SIM_DIGEST"

// TestDigest is what TestTwoProcesses runs in a process of its own: it prints
// the digests. By itself it checks that a second run gives the same.
func TestDigest(t *testing.T) {
	for _, mode := range []Mode{WholeWire, Messages} {
		for _, seed := range []uint64{7, 8} {
			d := digest(seed, mode)
			if os.Getenv(digestEnv) != "" {
				fmt.Println("digest", d)
			} else if again := digest(seed, mode); again != d {
				t.Errorf("seed %d: two runs differ:\n%s\n%s", seed, d, again)
			}
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestDigest$", "-test.count=1")
	cmd.Env = append(os.Environ(), digestEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the other process: %v\n%s", err, out)
	}
	var theirs []string
	for line := range strings.Lines(string(out)) {
		if d, ok := strings.CutPrefix(line, "digest "); ok {
			theirs = append(theirs, strings.TrimSpace(d))
		}
	}
	var ours []string
	seen := map[string]bool{}
	for _, mode := range []Mode{WholeWire, Messages} {
		for _, seed := range []uint64{7, 8} {
			d := digest(seed, mode)
			ours = append(ours, d)
			seen[d] = true
		}
	}
	wantLog(t, "another process has the same runs", theirs, ours...)
	if len(seen) != 4 {
		t.Errorf("two seeds in two modes gave %d runs, want 4", len(seen))
	}
}

// TestHashSeesBytes changes one byte of one message: nothing else differs.
func TestHashSeesBytes(t *testing.T) {
	for _, mode := range []Mode{WholeWire, Messages} {
		hash := func(body string) uint64 {
			w, a, _ := pair(t, Path{}, Spec{})
			w.Mode = mode
			send(a, body)
			run(t, w, time.Second)
			return w.TraceHash()
		}
		if first, second := hash("hello"), hash("hello"); first != second {
			t.Error("equal runs have different hashes")
		}
		if hash("hello") == hash("hellp") {
			t.Error("the hash does not see what a message says")
		}
		if hash("hello") == hash("hello!") {
			t.Error("the hash does not see how long a message is")
		}
	}
}

// TestTraceCostsNothing checks that watching does not change what is seen.
func TestTraceCostsNothing(t *testing.T) {
	hash := func(watched bool) uint64 {
		w := NewWorld(3)
		defer w.Close()
		if watched {
			w.Trace = &strings.Builder{}
			w.Checks = []Check{sound}
			w.Every = 1000
		}
		discover(w, 30)
		w.Run(time.Minute)
		return w.TraceHash()
	}
	if hash(true) != hash(false) {
		t.Error("a trace and a check changed the run")
	}
}

func TestTraceLines(t *testing.T) {
	w := NewWorld(1)
	defer w.Close()
	var text strings.Builder
	w.Trace = &text
	w.Path = fixed(Path{Delay: 1500 * time.Microsecond})
	w.Add(place(1), bare{}, core.Config{Outbound: -1})
	a := w.Add(place(0), bare{}, core.Config{}, place(1))
	run(t, w, time.Millisecond*10)
	w.Crash(w.Nodes()[0])
	run(t, w, time.Millisecond*10)
	if a.Degree() != 0 {
		t.Fatalf("node has %d links, want none", a.Degree())
	}
	var got []string
	for line := range strings.Lines(text.String()) {
		if !strings.Contains(line, " save") && !strings.Contains(line, " wake") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	wantLog(t, "trace", got,
		"0.000000000 20.0.0.1:8108 link 1 dial",
		"0.003000000 20.0.0.1:8108 link 1 admit",
		"0.003000000 20.0.0.1:8108 link 1 opened",
		"0.003000000 20.0.0.1:8108 link 1 up",
		"0.004500000 21.0.0.1:8108 link 1 accepted",
		"0.004500000 21.0.0.1:8108 link 1 admit",
		"0.004500000 21.0.0.1:8108 link 1 opened",
		"0.004500000 21.0.0.1:8108 link 1 up",
		"0.010000000 21.0.0.1:8108 crash",
		"0.011500000 20.0.0.1:8108 link 1 closed: read: connection reset by peer",
		"0.011500000 20.0.0.1:8108 link 1 down: read: connection reset by peer",
	)
}

// TestNoLeak closes a world while opening exchanges are under way.
func TestNoLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	w := NewWorld(1)
	discover(w, 200)
	if err := w.Run(150 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine(); n < before+50 {
		t.Fatalf("%d coroutines are under way, want 50 or more", n-before)
	}
	w.Crash(w.Nodes()[0])
	w.Close()
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines are left, want none", n-before)
	}
}
