package dialecttest

import (
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/fault"
)

type handler func(id dialect.LinkID, m dialect.Message, out *dialect.Out)

// end leaves whoever says anything.
func end(k fault.Kind) handler {
	return func(id dialect.LinkID, _ dialect.Message, out *dialect.Out) {
		out.End = append(out.End, dialect.End{Link: id, Why: blame(k)})
	}
}

// send answers everything with m.
func send(m dialect.Message) handler {
	return func(id dialect.LinkID, _ dialect.Message, out *dialect.Out) {
		out.Send = append(out.Send, dialect.Send{To: id, Msg: m})
	}
}

// chatty returns a dialect that says more the longer it runs, on whatever node.
func chatty() broken {
	n := 0
	return withRules(rules{handle: func(id dialect.LinkID, m dialect.Message, out *dialect.Out) {
		if n++; m.Type == toy.Ping {
			send(dialect.Message{Type: toy.App, Body: make([]byte, n)})(id, m, out)
		}
	}})
}

var rulesFaults = []planted{
	{"rules/honest", "leaves an honest peer", withRules(rules{handle: end(fault.Protocol)})},
	{"rules/honest", "still have much to say", withRules(rules{handle: send(dialect.Message{Type: toy.Ping})})},
	{"rules/honest", "its own message of type 77", withRules(rules{handle: send(dialect.Message{Type: 77})})},
	{"rules/honest", "which rules cannot know", withRules(rules{handle: end(fault.IO)})},
	{"rules/honest", "without saying why", withRules(rules{handle: func(id dialect.LinkID, _ dialect.Message, out *dialect.Out) {
		out.End = append(out.End, dialect.End{Link: id})
	}})},
	{"rules/honest", "learns the address nowhere", withRules(rules{handle: func(_ dialect.LinkID, _ dialect.Message, out *dialect.Out) {
		out.Learn = append(out.Learn, addr.Addr{})
	}})},
	{"rules/repeatable", "differ at step", chatty()},
	{"rules/silent", "is due again", withRules(rules{stuck: true})},
	{"rules/unknown", "wants to send type 77", withRules(rules{handle: send(dialect.Message{Type: 77})})},
	{"rules/command", "does something", withRules(rules{command: func(out *dialect.Out) {
		out.Note = append(out.Note, dialect.Note{Value: 1})
	}})},
}

func TestFindsFaultsInRules(t *testing.T) { finds(t, rulesFaults) }
