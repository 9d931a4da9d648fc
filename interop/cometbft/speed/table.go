package speed

import (
	"errors"
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
	ciphers bool // to be compared with the cipher too
}

func rows() (all []row) {
	for _, size := range []int{32, 1 << 10, 64 << 10, 1 << 20} {
		r := row{
			name: fmt.Sprintf("one way, %s", bytesText(size)), figure: measure.Bandwidth, ciphers: true,
			theirs: func() (Work, error) { return theirOneWay(size) },
			ours:   func() (Work, error) { return ourOneWay(size) },
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
	fmt.Fprintln(w, "| | theirs | ours | ours to theirs | by processor time | cipher | share of the cipher | by processor time | target |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows() {
		if strings.Contains(r.name, only) {
			if err := r.measure(w, reps, each); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	if links > 0 && strings.Contains("idle", only) {
		return idle(w, links)
	}
	return nil
}

// measure takes turns and prints the row.
func (r row) measure(w io.Writer, reps int, each time.Duration) (err error) {
	theirs, err := r.theirs()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.Close()) }()
	ours, err := r.ours()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.Close()) }()
	contestants := []Work{theirs, ours, cipher{}}
	if !r.ciphers {
		contestants = contestants[:2]
	}
	var figures [3][]float64
	var ratio, saved, share, effort []float64
	for range reps {
		var s [3]measure.Sample
		for i, c := range contestants {
			if s[i], err = c.Sample(each); err != nil {
				return err
			}
			figures[i] = append(figures[i], s[i][r.figure])
		}
		ratio = append(ratio, s[1][r.figure]/s[0][r.figure])
		saved = append(saved, s[0][measure.CPU]/s[1][measure.CPU])
		if r.ciphers {
			share = append(share, 100*s[1][measure.Bandwidth]/s[2][measure.Bandwidth])
			effort = append(effort, 100*perByte(s[2])/perByte(s[1]))
		}
	}
	fmt.Fprintf(w, "| %s (%s) | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, unit(r.figure),
		text(figures[0]), text(figures[1]), text(ratio), text(saved), text(figures[2]), text(share), text(effort), r.target)
	return nil
}

// perByte is the processor time that a byte of bodies took, in no unit that
// matters.
func perByte(s measure.Sample) float64 {
	return s[measure.CPU] * s[measure.Rate] / s[measure.Bandwidth]
}

func unit(m measure.Metric) string {
	switch m {
	case measure.Bandwidth:
		return "MB/s"
	case measure.P50:
		return "p50, µs"
	}
	return "deliveries/s"
}

func text(figures []float64) string {
	if len(figures) == 0 {
		return ""
	}
	s := measure.SpreadOf(figures)
	return fmt.Sprintf("%s [%s..%s]", short(s.Median), short(s.Min), short(s.Max))
}

func short(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
