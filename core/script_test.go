package core

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

var update = flag.Bool("update", false, "rewrite the scripts in testdata with what happens")

// TestScripts runs the stories in testdata. A line that begins with a tab is
// an effect of the command above it; see script.run for the commands.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { testScript(t, f) })
	}
}

func testScript(t *testing.T, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{now: epoch, heard: map[LinkID]time.Time{}}
	for line := range strings.Lines(string(want)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "\t") {
			continue
		}
		s.out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.run(strings.Fields(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	got := s.out.String()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(want) {
		t.Errorf("what happens differs from %s (go test ./core -run TestScripts -update, then read the diff):\n%s", file, firstDiff(got, string(want)))
	}
}

func firstDiff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, want %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// script is one node and what happens to it.
type script struct {
	now   time.Time
	n     *Node
	eff   Effects
	saved *Saved
	heard map[LinkID]time.Time
	out   strings.Builder
}

func (s *script) printf(format string, args ...any) { fmt.Fprintf(&s.out, "\t"+format+"\n", args...) }

// run carries out one command. Options have the form key=value.
func (s *script) run(f []string) error {
	f, opt := options(f)
	now, n := s.now, s.n
	arg := func(i int) string { return append(f, "", "", "")[i] }
	s.eff.Reset()
	switch f[0] {
	case "new": // seeds=A,A and the fields of Config
		return s.start(opt)
	case "wake":
		n.Wake(now, &s.eff)
	case "wait": // DURATION, waking the node whenever it wants
		return s.wait(arg(1))
	case "accept", "attach": // ADDR
		s.accept(f[0], at(arg(1)), arg(2))
		return nil
	case "admit", "opened", "join": // LINK id= nonce= listen= info=
		s.open(f[0], linkID(arg(1)), intro(opt))
	case "heard": // LINK: traffic came in
		s.heard[linkID(arg(1))] = now
	case "closed": // LINK KIND self offer=A,A
		n.Closed(now, linkID(arg(1)), ending2(arg(2), opt), &s.eff)
	case "resolved": // LINK ADDR
		n.Resolved(now, linkID(arg(1)), at(arg(2)), &s.eff)
	case "ended": // LINK: the peer ended its half
		n.Ended(now, linkID(arg(1)), fault.New(fault.IO, "read", io.EOF), &s.eff)
	case "recv", "sent": // LINK TEXT...
		ms := []dialect.Message{{Body: []byte(strings.Join(f[2:], " "))}}
		if f[0] == "sent" {
			n.Sent(now, linkID(arg(1)), ms, &s.eff)
		} else {
			n.Received(now, linkID(arg(1)), ms, &s.eff)
		}
	case "command": // TEXT...
		n.Command(now, strings.Join(f[1:], " "), &s.eff)
	case "learn": // ADDR...
		n.Learn(now, addrs(f[1:]...), &s.eff)
	case "ban": // ADDR DURATION
		d, _ := time.ParseDuration(arg(2))
		s.printf("ended %d", n.Ban(now, Ban{Addr: at(arg(1)), ID: opt["id"], Until: now.Add(d), Why: "by hand"}, &s.eff))
	case "unban": // ADDR, or - for bans of an identity alone
		which := Within(at(arg(1)))
		if id, ok := opt["id"]; ok {
			which = func(b Ban) bool { return b.ID == id && b.Addr == at(arg(1)) }
		}
		s.printf("%d", n.Unban(now, which, &s.eff))
	case "drop": // LINK KIND
		n.Drop(now, linkID(arg(1)), faultOf(arg(2)), &s.eff)
	case "stop":
		n.Stop(now, nil, &s.eff)
	case "tune":
		c, err := config(opt)
		if err != nil {
			return err
		}
		n.Tune(now, c, &s.eff)
	case "save":
		s.saved = n.Saved(now)
		s.printSaved()
	case "restore": // into a node made by new
		n.Restore(now, s.saved, &s.eff)
	case "state":
		s.printState()
	default:
		return errors.New("no such command")
	}
	s.print()
	return nil
}

func options(f []string) (args []string, opt map[string]string) {
	opt = map[string]string{}
	for _, x := range f {
		if k, v, ok := strings.Cut(x, "="); ok {
			opt[k] = v
		} else {
			args = append(args, x)
		}
	}
	return args, opt
}

func list(s string) []addr.Addr {
	if s == "" {
		return nil
	}
	return addrs(strings.Split(s, ",")...)
}

func config(opt map[string]string) (c Config, err error) {
	ints := map[string]*int{
		"outbound": &c.Outbound, "target": &c.Target, "inbound": &c.Inbound, "total": &c.Total, "opening": &c.Opening,
		"dials": &c.Dials, "perhost": &c.PerHost, "pergroup": &c.PerGroup, "dropto": &c.DropTo,
		"offer": &c.Offer, "banscore": &c.BanScore, "size": &c.Book.Size,
	}
	times := map[string]*time.Duration{"backoff": &c.Backoff, "round": &c.RoundTime, "rotate": &c.Rotate, "bantime": &c.BanTime}
	for k, v := range opt {
		var err error
		switch {
		case ints[k] != nil:
			*ints[k], err = strconv.Atoi(v)
		case times[k] != nil:
			*times[k], err = time.ParseDuration(v)
		case k == "always":
			c.Always = list(v)
		case k == "only":
			c.Only = v == "true"
		case k != "seeds" && k != "nonce":
			err = errors.New("no such option")
		}
		if err != nil {
			return c, fmt.Errorf("%s=%s: %w", k, v, err)
		}
	}
	return c, nil
}

func (s *script) start(opt map[string]string) error {
	c, err := config(opt)
	if err != nil {
		return err
	}
	clear(s.heard)
	nonce := uint64(1000)
	if v, ok := opt["nonce"]; ok {
		nonce, _ = strconv.ParseUint(v, 10, 64)
	}
	h := Host{
		Rand: rand.New(rand.NewPCG(1, 2)), Nonce: nonce,
		Traffic: func(id LinkID) (in, out time.Time) { return s.heard[id], s.now },
	}
	s.n = New(c, fake{}, h, list(opt["seeds"])...)
	return nil
}

func (s *script) wait(d string) error {
	span, err := time.ParseDuration(d)
	if err != nil {
		return err
	}
	end := s.now.Add(span)
	for range 1000 {
		next := s.n.Next()
		if next.IsZero() || next.After(end) {
			s.now = end
			return nil
		}
		s.now = latest(s.now, next)
		s.eff.Reset()
		s.n.Wake(s.now, &s.eff)
		s.print()
	}
	return errors.New("the node wants to be woken without end")
}

func (s *script) accept(what string, from addr.Addr, dir string) {
	var id LinkID
	var err error
	if what == "accept" {
		id, err = s.n.Accepted(s.now, from)
	} else {
		id, err = s.n.Attached(s.now, from, dir == "out")
	}
	if err != nil {
		s.printf("%v: %v", fault.KindOf(err), err)
		return
	}
	s.printf("link %d", id)
}

func intro(opt map[string]string) dialect.Intro {
	in := dialect.Intro{ID: opt["id"], Listen: at(opt["listen"])}
	in.Nonce, _ = strconv.ParseUint(opt["nonce"], 10, 64)
	if v, ok := opt["info"]; ok {
		in.Info = strings.ReplaceAll(v, "_", " ")
	}
	return in
}

func (s *script) open(what string, id LinkID, in dialect.Intro) {
	if what != "opened" {
		if err := s.n.Admit(s.now, id, in, &s.eff); err != nil {
			s.printf("%v: %v", fault.KindOf(err), err)
			if r, ok := errors.AsType[*dialect.Refusal](err); ok && len(r.Offer) > 0 {
				s.printf("offer %v", r.Offer)
			}
			s.print()
			s.eff.Reset()
			if what == "join" {
				s.n.Closed(s.now, id, err, &s.eff)
			}
			return
		}
	}
	if what != "admit" {
		s.n.Opened(s.now, id, in, &s.eff)
	}
}

// ending2 is why a connection ended.
func ending2(kind string, opt map[string]string) error {
	switch {
	case kind == "self":
		return fault.New(fault.Local, "open", dialect.ErrSelf)
	case opt["offer"] != "":
		return fault.New(fault.Refused, "open", &dialect.Refusal{Reason: "full", Offer: list(opt["offer"])})
	}
	return faultOf(kind)
}

// print writes the effects of the last call, in the order in which they are
// carried out, and when it happened if that was not at the start.
func (s *script) print() {
	p := func(format string, args ...any) {
		s.printf("%-6s %s", s.now.Sub(epoch).Round(100*time.Millisecond), fmt.Sprintf(format, args...))
	}
	e := &s.eff
	for _, c := range e.Peers {
		dir := map[bool]string{true: "dialed", false: "accepted"}[c.Dialed]
		if c.Always {
			dir += " always"
		}
		if c.Up {
			p("up %d %v %s", c.Link, c.Addr, dir)
		} else {
			p("down %d %v: %v", c.Link, fault.KindOf(c.Why), c.Why)
		}
	}
	for _, x := range e.Note {
		p("note %d: %v", x.Link, x.Value)
	}
	for _, x := range e.Send {
		p("send %d %s", x.To, x.Msg.Body)
	}
	for _, c := range e.Close {
		mode := fmt.Sprint("flush=", c.Flush)
		if c.Hear {
			mode += fmt.Sprint(" hear last=", c.Last)
		}
		p("close %d %s %v: %v", c.Link, mode, fault.KindOf(c.Why), c.Why)
	}
	for _, d := range e.Dial {
		p("dial %d %v", d.Link, d.Addr)
	}
	if e.Save {
		p("save")
	}
}

func (s *script) printSaved() {
	for _, k := range s.saved.Peers {
		s.printf("peer %v worked=%v tries=%d anchor=%v", k.Addr, !k.Seen.IsZero(), k.Tries, k.Anchor)
	}
	for _, b := range s.saved.Bans {
		s.printf("ban %v for %v: %s", b.Addr, b.Until.Sub(s.now), b.Why)
	}
}

func (s *script) printState() {
	st := s.n.State(s.now)
	s.printf("known %d, rounds %d", st.Known, st.Rounds)
	for _, l := range st.Links {
		s.printf("link %d %v dialed=%v always=%v opening=%v id=%q blame=%d", l.ID, l.Addr, l.Dialed, l.Always, l.Opening, l.Intro.ID, l.Blame)
	}
	for _, b := range st.Bans {
		s.printf("ban %v %q for %v: %s", b.Addr, b.ID, b.Until.Sub(s.now), b.Why)
	}
}
