package bench

import (
	"bufio"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"time"

	"parley/bench/measure"
)

// Report is a whole run, ready for JSON. What is not known is null.
type Report struct {
	Time    time.Time
	Machine Machine
	Settings
	Results []Result
}

// Machine is where a run took place.
type Machine struct {
	OS    string  `json:"os"`
	Arch  string  `json:"arch"`
	CPU   *string `json:"cpu"` // as the system names it
	Cores int     `json:"cores"`
	Procs int     `json:"gomaxprocs"`
	Go    string  `json:"go"`
}

// ThisMachine describes the machine the process runs on.
func ThisMachine() Machine {
	return Machine{
		OS:    runtime.GOOS,
		Arch:  runtime.GOARCH,
		CPU:   cpuName("/proc/cpuinfo"),
		Cores: runtime.NumCPU(),
		Procs: runtime.GOMAXPROCS(0),
		Go:    runtime.Version(),
	}
}

// cpuName finds the processor's name in a file in the format of Linux, or nil.
func cpuName(file string) *string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, name, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return new(strings.TrimSpace(name))
		}
	}
	return nil
}

type reportJSON struct {
	Time    time.Time    `json:"time"`
	Machine Machine      `json:"machine"`
	Seconds float64      `json:"seconds"` // for each row, and for its baseline
	Reps    int          `json:"reps"`
	Rows    []resultJSON `json:"rows"`
}

type resultJSON struct {
	Name    string           `json:"name"`
	Work    string           `json:"work"`
	Dialect *string          `json:"dialect"`
	Size    *int             `json:"size"`
	Unit    string           `json:"unit"`
	Parley  *measure.Summary `json:"parley"`
	Raw     *measure.Summary `json:"raw"`
	Ratio   *measure.Summary `json:"ratio"`
	Targets []targetJSON     `json:"targets"`
	Error   *string          `json:"error"`
}

type targetJSON struct {
	Metric  string         `json:"metric"`
	OverRaw bool           `json:"over_raw"`
	AtLeast *float64       `json:"at_least"`
	AtMost  *float64       `json:"at_most"`
	Got     measure.Spread `json:"got"`
	Met     *bool          `json:"met"`   // by the median
	Clear   *bool          `json:"clear"` // by every repetition alike
}

// MarshalJSON writes the report as "parley bench --json" prints it.
func (r Report) MarshalJSON() ([]byte, error) {
	out := reportJSON{Time: r.Time, Machine: r.Machine, Seconds: r.Settings.Time.Seconds(), Reps: r.Reps, Rows: []resultJSON{}}
	for i := range r.Results {
		out.Rows = append(out.Rows, r.Results[i].json())
	}
	return json.Marshal(out)
}

func (r *Result) json() resultJSON {
	out := resultJSON{
		Name: r.Row.Name, Work: r.Row.Work, Unit: r.Row.Unit,
		Dialect: known(r.Row.Dialect), Size: known(r.Row.Size),
		Parley: r.Got, Raw: r.Raw, Ratio: r.Ratio,
		Targets: []targetJSON{},
	}
	if r.Err != nil {
		out.Error = new(r.Err.Error())
	}
	for _, t := range r.Row.Targets {
		j := targetJSON{Metric: t.Metric.String(), OverRaw: t.OverRaw, Got: t.in(r.Got, r.Ratio), Met: t.Met(r.Got, r.Ratio), Clear: t.Clear(r.Got, r.Ratio)}
		if t.Metric.LowerIsBetter() {
			j.AtMost = &t.Bound
		} else {
			j.AtLeast = &t.Bound
		}
		out.Targets = append(out.Targets, j)
	}
	return out
}

// known returns nil for the zero value.
func known[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
