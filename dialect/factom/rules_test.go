package factom

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

func TestPings(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(1, V11, TypeHandshake)
	b.run(900 * time.Millisecond)
	b.want("before the first second")
	b.run(200 * time.Millisecond)
	b.want("a fresh link that was never written to", "1:ping")
	b.run(14 * time.Second)
	b.want("within the interval")
	b.run(time.Second)
	b.want("after the interval", "1:ping")
	b.run(10 * time.Second)
	b.view.out[1] = b.now // the application sent something
	b.run(10 * time.Second)
	b.want("while others write")
	b.run(6 * time.Second)
	b.want("after silence", "1:ping")
	b.hear(1, TypePong, "Pong")
	b.want("a pong needs no answer")
}

func TestFirstPingWaitsIfWritten(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(1, V11, TypeHandshake)
	b.run(500 * time.Millisecond)
	b.view.out[1] = b.now
	b.run(14 * time.Second)
	b.want("something was written in the first second")
	b.run(time.Second)
	b.want("15 seconds after it", "1:ping")
}

func TestSilenceEnds(t *testing.T) {
	b := newBrain(t, Config{ReadDeadline: time.Minute})
	b.join(1, V11, TypeHandshake)
	b.run(50 * time.Second)
	b.view.in[1] = b.now
	b.run(59 * time.Second)
	if len(b.out.End) != 0 {
		t.Fatalf("ended early: %v", b.out.End)
	}
	b.run(time.Second)
	b.wantEnd("a minute of silence", fault.Timeout)
}

func TestPongs(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(1, V10, TypeHandshake)
	for range 30 {
		b.hear(1, TypePing, "Ping")
	}
	if n := len(b.take()); n != pongsASecond {
		t.Errorf("%d pongs in a second, want %d", n, pongsASecond)
	}
	b.now = b.now.Add(time.Second)
	b.hear(1, TypePing, "Ping")
	b.want("a second later", "1:pong")
	for range maxPings - 31 {
		b.hear(1, TypePing, "Ping")
	}
	if len(b.out.End) != 0 {
		t.Fatalf("ended at %d pings: %v", maxPings, b.out.End)
	}
	b.hear(1, TypePing, "Ping")
	b.wantEnd("a flood of pings", fault.Abuse)
}

// The first pong after a ping tells how long it took, others tell nothing.
func TestRoundTrip(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(1, V10, TypeHandshake)
	b.hear(1, TypePong, "Pong")
	b.run(1100 * time.Millisecond)
	b.want("a fresh link", "1:ping")
	sent := b.now
	b.now = b.now.Add(30 * time.Millisecond)
	b.hear(1, TypePong, "Pong")
	b.hear(1, TypePong, "Pong")
	if len(b.out.Note) != 1 || b.out.Note[0].Link != 1 {
		t.Fatalf("notes %v, want one", b.out.Note)
	}
	took := b.out.Note[0].Value.(dialect.Trip).Trip()
	if took < 30*time.Millisecond || took > b.now.Sub(sent)+200*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestPongFlood(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(1, V11, TypeHandshake)
	for range maxPings {
		b.hear(1, TypePong, "Pong")
	}
	if len(b.out.End) != 0 {
		t.Fatalf("ended at %d pongs: %v", maxPings, b.out.End)
	}
	b.hear(1, TypePong, "Pong")
	b.wantEnd("a flood of pongs", fault.Abuse)
}

// Nodes of factomd 6.6 pass on what others told them unchecked: what can not be
// dialed is left out of their shares, and nobody is blamed.
func TestOldShares(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(2, V9, TypePeerRequest)
	b.hear(2, TypePeerResponse, `[{"Address":"[","Port":"8108"},{"Address":"203.0.113.7","Port":"8108"},{"Address":"1.2.3.4","Port":""}]`)
	if len(b.out.End) != 0 || len(b.out.Learn) != 1 {
		t.Errorf("ends %v, learned %v; want one address", b.out.End, b.out.Learn)
	}
}

func TestRequests(t *testing.T) {
	b := newBrain(t, Config{})
	b.view.share = []addr.Addr{mustAddr(t, "203.0.113.7:8108")}
	b.join(1, V10, TypeHandshake)
	b.want("V10 says nothing at first")
	b.hear(1, TypePeerRequest, "Peer Request")
	if got := string(b.out.Send[0].Msg.Body); got != `[{"ip":"203.0.113.7","port":"8108"}]` {
		t.Errorf("answer %s", got)
	}
	b.want("the first request", "1:peer response")
	b.now = b.now.Add(4 * time.Second)
	b.hear(1, TypePeerRequest, "Peer Request")
	b.want("too early")
	b.now = b.now.Add(time.Second)
	b.hear(1, TypePeerRequest, "Peer Request")
	b.want("after the interval", "1:peer response")
	for range maxRequests - 3 {
		b.hear(1, TypePeerRequest, "Peer Request")
	}
	if len(b.out.End) != 0 {
		t.Fatalf("ended at %d requests: %v", maxRequests, b.out.End)
	}
	b.hear(1, TypePeerRequest, "Peer Request")
	b.wantEnd("a flood of requests", fault.Abuse)
}

// TestNobodyToShare answers with null in gob versions and not at all in V11.
func TestNobodyToShare(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(9, V9, TypePeerRequest)
	b.join(10, V10, TypeHandshake)
	b.join(11, V11, TypeHandshake)
	b.hear(10, TypePeerRequest, "Peer Request")
	b.hear(11, TypePeerRequest, "Peer Request")
	for _, s := range b.out.Send {
		if string(s.Msg.Body) != "null" {
			t.Errorf("link %d gets %q", s.To, s.Msg.Body)
		}
	}
	b.want("answers", "9:peer response", "10:peer response")
}

// TestGreeting answers a V9 handshake that is a request and no other.
func TestGreeting(t *testing.T) {
	b := newBrain(t, Config{})
	b.join(1, V9, TypeHandshake)
	b.want("a V10 dialer that we made come down")
	b.join(2, V9, TypePeerRequest)
	b.want("a V9 peer", "2:peer response")
	b.hear(2, TypePeerRequest, "Peer Request")
	b.want("a request right after the one that was answered")
	b.hear(2, TypePeerResponse, `[{"Address":"203.0.113.7","Port":"8108"}]`)
	if len(b.out.Learn) != 1 {
		t.Errorf("learned %v from the answer to our handshake", b.out.Learn)
	}
}

func TestAsking(t *testing.T) {
	b := newBrain(t, Config{})
	for id := dialect.LinkID(1); id <= 3; id++ {
		b.join(id, V11, TypeHandshake)
	}
	b.run(2 * time.Second)
	b.take()
	if next := b.rules.Next(); !next.IsZero() {
		t.Errorf("nothing is wanted, but Next is %v", next)
	}
	b.view.want = 5
	b.run(0)
	first := b.take()
	if len(first) != 1 {
		t.Fatalf("sent %v, want one request", first)
	}
	b.run(4900 * time.Millisecond)
	b.want("while an answer is waited for")
	b.run(200 * time.Millisecond)
	second := b.take()
	if len(second) != 1 {
		t.Fatalf("sent %v after the timeout, want one request", second)
	}
	var id dialect.LinkID
	fmt.Sscanf(second[0], "%d:", &id)
	b.hear(id, TypePeerResponse, string(appendShare(nil, V11, 0, []Endpoint{{"203.0.113.7", "8108"}})))
	b.run(900 * time.Millisecond)
	b.want("within a second of an answer")
	b.run(200 * time.Millisecond)
	if third := b.take(); len(third) != 1 || third[0] == second[0] {
		t.Errorf("sent %v a second after the answer, want one request to another peer than %v", third, second)
	}
}

// TestAskingOne asks the only peer no more often than the interval allows, and
// nobody once it is gone.
func TestAskingOne(t *testing.T) {
	b := newBrain(t, Config{PeerRequestInterval: 10 * time.Second})
	b.view.want = 1
	b.join(1, V10, TypeHandshake)
	for i := range 4 {
		b.run(5 * time.Second)
		n := len(slices.DeleteFunc(b.take(), func(s string) bool { return s != "1:peer request" }))
		if want := 1 - i%2; n != want {
			t.Errorf("%d requests in the %dth five seconds, want %d", n, i+1, want)
		}
	}
	b.leave(1)
	if next := b.rules.Next(); !next.IsZero() {
		t.Errorf("nobody is there to ask, but Next is %v", next)
	}
}

func TestAnswers(t *testing.T) {
	many := `[{"ip":"203.0.113.1","port":"1"}`
	for i := range 9 {
		many += fmt.Sprintf(`,{"ip":"203.0.113.1","port":"%d"}`, i+2)
	}
	many += "]"
	tests := []struct {
		name, body string
		learn      int
		end        fault.Kind
	}{
		{"three of many", many, 3, fault.None},
		{"one", `[{"ip":"seed.example","port":"8108"}]`, 1, fault.None},
		{"none", `null`, 0, fault.None},
		{"of no use", `[{"ip":"0.0.0.0","port":"8108"}]`, 0, fault.None},
		{"no host", `[{"ip":"","port":"0"}]`, 0, fault.Protocol},
		{"port zero", `[{"ip":"203.0.113.1","port":"0"}]`, 0, fault.Protocol},
		{"misspelled", `[{"ip":"203.0.113.1","port":"1"},{"ip":"256.1.1.1","port":"1"}]`, 0, fault.Protocol},
		{"zone", `[{"ip":"fe80::1%eth0","port":"1"}]`, 0, fault.Protocol},
		{"not json", `hello`, 0, fault.Protocol},
		{"too many", `[{},{},{},{},{},{},{},{},{},{},{}]`, 0, fault.Protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBrain(t, Config{SharesLimit: 10})
			b.view.want = 1
			b.join(1, V10, TypeHandshake)
			b.hear(1, TypePeerResponse, many)
			if len(b.out.Learn) != 0 {
				t.Error("learned from an answer to nothing")
			}
			b.run(1100 * time.Millisecond)
			b.hear(1, TypePeerResponse, tt.body)
			if len(b.out.Learn) != tt.learn {
				t.Errorf("learned %v, want %d", b.out.Learn, tt.learn)
			}
			if tt.end != fault.None {
				b.wantEnd(tt.name, tt.end)
			}
			b.hear(1, TypePeerResponse, many)
			if len(b.out.Learn) != tt.learn || len(b.out.End) != 0 {
				t.Errorf("a second answer to one request: learned %v, ends %v", b.out.Learn, b.out.End)
			}
		})
	}
}

func TestUnaskedAnswers(t *testing.T) {
	b := newBrain(t, Config{})
	b.view.want = 1
	b.join(1, V10, TypeHandshake)
	b.run(1100 * time.Millisecond)
	b.view.want = 0
	b.run(5100 * time.Millisecond)
	for range maxUnasked {
		b.hear(1, TypePeerResponse, `[{"ip":"203.0.113.1","port":"1"}]`)
	}
	if len(b.out.Learn) != 0 || len(b.out.End) != 0 {
		t.Fatalf("late answers: learned %v, ends %v", b.out.Learn, b.out.End)
	}
	b.hear(1, TypePeerResponse, `null`)
	b.wantEnd("a flood of answers", fault.Abuse)
}

// TestTheAskedPeerLeaves lets the next be asked without waiting.
func TestTheAskedPeerLeaves(t *testing.T) {
	b := newBrain(t, Config{})
	b.view.want = 1
	b.join(1, V11, TypeHandshake)
	b.run(1010 * time.Millisecond)
	b.take()
	b.join(2, V11, TypeHandshake)
	b.leave(1)
	b.run(1100 * time.Millisecond)
	if sent := b.take(); !slices.Contains(sent, "2:peer request") {
		t.Errorf("sent %v, want a request to link 2", sent)
	}
}

// TestEarlyWake does nothing before its time.
func TestEarlyWake(t *testing.T) {
	b := newBrain(t, Config{})
	b.view.want = 1
	b.join(1, V11, TypeHandshake)
	b.sessions[1].Wake(b.now, &b.out)
	b.rules.Wake(b.now, &b.out)
	b.want("woken too early")
	b.rules.Command(b.now, "anything", &b.out)
	b.sessions[1].Sent(b.now, dialect.Message{}, &b.out)
	b.want("a command and a report")
}
