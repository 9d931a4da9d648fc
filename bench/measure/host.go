package measure

import (
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts processor time for user space.
const tick = 10 * time.Millisecond

// ticks is what all processors of the machine have done since it started. It
// is zero where the system does not tell.
type ticks struct{ busy, all uint64 }

// hostTicks reads the first line of /proc/stat: "cpu" and then the ticks spent
// in user, nice, system, idle, iowait and other states.
func hostTicks() ticks {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return parseTicks(line)
}

func parseTicks(line string) ticks {
	const idle, iowait, guest = 3, 4, 8 // from guest on, what is in user already
	fields := strings.Fields(line)
	if len(fields) <= iowait || fields[0] != "cpu" {
		return ticks{}
	}
	var t ticks
	for i, f := range fields[1:min(len(fields), guest+1)] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return ticks{}
		}
		t.all += n
		if i != idle && i != iowait {
			t.busy += n
		}
	}
	return t
}

// others returns the percentage of the machine that was used between before
// and t by processes other than this one, which used own.
func (t ticks) others(before ticks, own time.Duration) float64 {
	all := float64(t.all - before.all)
	if before.all == 0 || t.all <= before.all || own < 0 {
		return math.NaN()
	}
	busy := float64(t.busy-before.busy) - float64(own)/float64(tick)
	return 100 * max(0, busy) / all
}
