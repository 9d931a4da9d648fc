package stats

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContentType is the media type of what WritePrometheus writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// WritePrometheus writes s in the Prometheus text format, version 0.0.4. The
// label sets are fixed: direction is "in" or "out", and kind is a kind of fault.
// Nothing a peer says becomes a label. It returns the error of w.
func WritePrometheus(w io.Writer, s *Snapshot) error {
	t := &text{}
	s.writeLinks(t)
	s.writeTraffic(t)
	t.family("parley_known_addresses", "gauge", "Addresses in the book.")
	t.sample("", "", float64(s.Known))
	t.family("parley_bans", "gauge", "Bans in force.")
	t.sample("", "", float64(len(s.Bans)))
	t.family("parley_rounds_total", "counter", "Rounds held.")
	t.sample("", "", float64(s.Rounds))
	t.family("parley_start_time_seconds", "gauge", "When the node started, in seconds since 1970.")
	t.sample("", "", seconds(s.Since))
	_, err := w.Write(t.b)
	return err
}

func (s *Snapshot) writeLinks(t *text) {
	var in, out, opening float64
	for i := range s.Links {
		switch l := &s.Links[i]; {
		case l.Opening:
			opening++
		case l.Dialed:
			out++
		default:
			in++
		}
	}
	t.family("parley_links", "gauge", "Live links, by who made the connection.")
	t.sample("direction", "in", in)
	t.sample("direction", "out", out)
	t.family("parley_links_opening", "gauge", "Connections in their opening exchange.")
	t.sample("", "", opening)
	t.family("parley_links_ended_total", "counter", "Links and attempts that ended, by kind of fault.")
	for _, kind := range slices.Sorted(maps.Keys(s.Faults)) {
		t.sample("kind", kind, float64(s.Faults[kind]))
	}
	t.family("parley_connections_turned_away_total", "counter", "Connections closed before their opening exchange.")
	t.sample("", "", float64(s.Turned))
}

func (s *Snapshot) writeTraffic(t *text) {
	var queued float64
	for i := range s.Links {
		queued += float64(s.Links[i].Queued)
	}
	t.family("parley_bytes_total", "counter", "Bytes on links that were up, by direction.")
	t.sample("direction", "in", float64(s.Total.InBytes))
	t.sample("direction", "out", float64(s.Total.OutBytes))
	t.family("parley_messages_total", "counter", "Messages on links that were up, by direction.")
	t.sample("direction", "in", float64(s.Total.InMsgs))
	t.sample("direction", "out", float64(s.Total.OutMsgs))
	t.family("parley_messages_dropped_total", "counter", "Messages that an outbox refused or forgot.")
	t.sample("", "", float64(s.Total.Dropped))
	t.family("parley_queued_bytes", "gauge", "Bytes waiting to be written.")
	t.sample("", "", queued)
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// text collects lines of the exposition format.
type text struct {
	b    []byte
	name string
}

// escapes of label values and of help texts.
var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// family begins a metric.
func (t *text) family(name, kind, help string) {
	t.name = name
	t.b = append(t.b, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// sample writes one value of the metric, with at most one label.
func (t *text) sample(label, value string, v float64) {
	t.b = append(t.b, t.name...)
	if label != "" {
		t.b = append(t.b, "{"+label+`="`+escape.Replace(value)+`"}`...)
	}
	t.b = append(t.b, ' ')
	t.b = strconv.AppendFloat(t.b, v, 'f', -1, 64)
	t.b = append(t.b, '\n')
}
