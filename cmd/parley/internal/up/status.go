package up

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"parley/cmd/parley/internal/show"
)

// redraw is how often the table is drawn anew.
const redraw = 250 * time.Millisecond

// rateOver is how long traffic is averaged over.
const rateOver = 2 * time.Second

var columns = []show.Column{
	{Title: "node"}, {Title: "listens"}, {Title: "links", Right: true}, {Title: "height", Right: true},
	{Title: "msgs in/s", Right: true}, {Title: "out/s", Right: true},
	{Title: "bytes in/s", Right: true}, {Title: "bytes out/s", Right: true},
	{Title: "dups", Right: true}, {Title: "last fault"},
}

// watch draws the table until ctx is done, and once more then.
func (n *network) watch(ctx context.Context, screen *show.Screen) {
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	rates := make([]rate, len(n.members)+1)
	for {
		t := n.table(time.Now(), rates)
		screen.Draw(t.Lines)
		select {
		case <-ctx.Done():
			t := n.table(time.Now(), rates)
			screen.Draw(t.Lines)
			return
		case <-ticker.C:
		}
	}
}

// table describes every node. rates has one element for each, and one more for
// the total, and belongs to the caller from one table to the next.
func (n *network) table(now time.Time, rates []rate) *show.Table {
	t := &show.Table{Columns: columns}
	var links int
	var sum traffic
	var dups uint64
	for i, m := range n.members {
		live, traffic, d := m.app.count(), m.app.traffic(), n.book.duplicates(i)
		links += live
		sum.plus(traffic)
		dups += d
		row := append([]string{m.name(), m.address().String(), strconv.Itoa(live), strconv.FormatUint(m.app.height(), 10)},
			rates[i].cells(now, traffic)...)
		t.Rows = append(t.Rows, append(row, show.Count(float64(d)), m.app.faultText(now)))
	}
	total := append([]string{"all", "", strconv.Itoa(links), strconv.FormatUint(n.book.next()-1, 10)},
		rates[len(n.members)].cells(now, sum)...)
	t.Total = append(total, show.Count(float64(dups)), "")
	return t
}

// name returns the member's number, and that it is down if it is.
func (m *member) name() string {
	if m.is(up) {
		return strconv.Itoa(m.index)
	}
	return strconv.Itoa(m.index) + " down"
}

// faultText says how a link of the node ended last, and how long ago.
func (a *app) faultText(now time.Time) string {
	text, at := a.lastFault()
	if text == "" {
		return show.Unknown
	}
	return fmt.Sprintf("%.60s (%v ago)", text, now.Sub(at).Round(time.Second))
}

// rate turns sums into rates. Its zero value knows none yet.
type rate struct {
	times []time.Time
	sums  []traffic
}

// cells returns messages and bytes in and out a second since about rateOver
// ago.
func (r *rate) cells(now time.Time, sum traffic) []string {
	r.times, r.sums = append(r.times, now), append(r.sums, sum)
	for len(r.times) > 2 && now.Sub(r.times[1]) >= rateOver {
		r.times, r.sums = r.times[1:], r.sums[1:]
	}
	took, first := now.Sub(r.times[0]).Seconds(), r.sums[0]
	if took <= 0 {
		return []string{show.Unknown, show.Unknown, show.Unknown, show.Unknown}
	}
	per := func(now, then uint64) float64 { return float64(now-then) / took }
	return []string{
		show.Rate(per(sum.inMsgs, first.inMsgs)), show.Rate(per(sum.outMsgs, first.outMsgs)),
		show.Bytes(per(sum.inBytes, first.inBytes)), show.Bytes(per(sum.outBytes, first.outBytes)),
	}
}

// line describes the last block and the network, for one line of plain text.
func (n *network) line() string {
	height, last, ok := n.book.last()
	if !ok {
		return "no block yet"
	}
	var dups uint64
	for i := range n.members {
		dups += n.book.duplicates(i)
	}
	slowest := ""
	if last.reached > 0 {
		slowest = " in " + show.Duration(last.slowest)
	}
	return fmt.Sprintf("block %d by node %d, %s: reached %d of %d%s; %d of %d nodes up, %d links, %d duplicates",
		height, last.leader, show.Bytes(float64(last.size)), last.reached, len(n.members)-1, slowest,
		len(n.alive()), len(n.members), (n.ends()+1)/2, dups) // one end may not know yet
}
