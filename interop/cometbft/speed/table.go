package speed

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"parley/bench/measure"
	"parley/interop/cometbft/real"
)

// row is one line of the table. What a contestant is called is a column.
type row struct {
	name    string
	figure  measure.Metric
	target  string // in words
	theirs  func() (Work, error)
	ours    func() (Work, error)
	ciphers bool                 // to be compared with the cipher too
	floor   func() (Work, error) // and with what nobody can leave out; may be nil
}

func rows() (all []row) {
	for _, size := range []int{32, 1 << 10, 64 << 10, 1 << 20} {
		r := row{
			name: fmt.Sprintf("one way, %s", bytesText(size)), figure: measure.Bandwidth, ciphers: true,
			theirs: func() (Work, error) { return theirOneWay(size) },
			ours:   func() (Work, error) { return ourOneWay(size) },
			floor:  func() (Work, error) { return floorOf(size, 1) },
			target: "≥ 5 × theirs",
		}
		if size >= 64<<10 {
			r.target = "≥ 2 × theirs, ≥ 70 % of the cipher"
		}
		all = append(all, r)
	}
	return append(all,
		row{
			name: "there and back, 32 B", figure: measure.P50, target: "≤ half of theirs",
			theirs: func() (Work, error) { return theirEcho(32, 0) },
			ours:   func() (Work, error) { return ourEcho(32) },
		},
		row{
			name: "there and back, 32 B, their pause set to 1 µs", figure: measure.P50, target: "—",
			theirs: func() (Work, error) { return theirEcho(32, time.Microsecond) },
			ours:   func() (Work, error) { return ourEcho(32) },
		},
		row{
			name: "broadcast to 32 peers, 1 KiB", figure: measure.Rate, target: "≥ 5 × theirs",
			theirs: func() (Work, error) { return theirFan(32, 1<<10) },
			ours:   func() (Work, error) { return ourFan(32, 1<<10) },
			floor:  func() (Work, error) { return floorOf(1<<10, 32) },
		},
	)
}

func bytesText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// Main measures what the arguments ask for and prints the table. It returns what
// the process should exit with.
func Main(args []string) int {
	f := flag.NewFlagSet("speed", flag.ContinueOnError)
	reps := f.Int("reps", 9, "repetitions")
	each := f.Duration("time", time.Second, "time for one repetition of each contestant")
	only := f.String("only", "", "rows whose name contains this")
	links := f.Int("links", 256, "idle links to weigh; 0 for none")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if err := run(os.Stdout, *only, *reps, *each, *links); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func run(w io.Writer, only string, reps int, each time.Duration, links int) error {
	fmt.Fprintf(w, "CometBFT %s, %s, %d processors, %d × %v each, medians [least..most]\n\n", real.Version(), runtime.Version(), runtime.NumCPU(), reps, each)
	var floors bytes.Buffer
	fmt.Fprint(w, head)
	fmt.Fprint(&floors, floorHead)
	for _, r := range rows() {
		if !strings.Contains(r.name, only) {
			continue
		}
		all, err := r.turns(reps, each)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		r.print(w, &floors, all)
	}
	if _, err := floors.WriteTo(w); err != nil {
		return err
	}
	if links > 0 && strings.Contains("idle", only) {
		return idle(w, links)
	}
	return nil
}
