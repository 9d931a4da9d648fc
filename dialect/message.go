package dialect

import "bytes"

// Message is one message, free of framing.
type Message struct {
	Type uint32 // message type, command or channel, as the dialect numbers them
	For  For
	Lent bool // Body will be overwritten; Clone, Queue and Broadcast copy it
	Body []byte
}

// For says whom a message concerns. Inbound, ToApp goes straight to the handler
// and ToSession to the brain. Outbound, ToSession asks that the session be told
// once the message is written. A session gets no body of a message that is also
// for the application.
type For uint8

// The destinations of a message; they may be combined.
const (
	ToApp For = 1 << iota
	ToSession
)

// Clone returns a message whose body is its own.
func (m Message) Clone() Message {
	m.Body = bytes.Clone(m.Body)
	m.Lent = false
	return m
}
