package real

import (
	"bytes"
	"fmt"

	"github.com/cosmos/gogoproto/proto"
)

// Bytes is a message whose wire form is itself, so that a reactor of theirs sends
// and receives any bytes, and none.
type Bytes struct{ Body []byte }

var _ proto.Message = (*Bytes)(nil)

// Reset implements proto.Message.
func (b *Bytes) Reset() { b.Body = nil }

// String implements proto.Message.
func (b *Bytes) String() string { return fmt.Sprintf("%d bytes", len(b.Body)) }

// ProtoMessage implements proto.Message.
func (*Bytes) ProtoMessage() {}

// Marshal returns the body itself.
func (b *Bytes) Marshal() ([]byte, error) { return b.Body, nil }

// Unmarshal copies p, which is used again for the next message.
func (b *Bytes) Unmarshal(p []byte) error {
	b.Body = bytes.Clone(p)
	return nil
}

// Merge makes b a copy of src, which is what cloning comes to.
func (b *Bytes) Merge(src proto.Message) {
	if s, ok := src.(*Bytes); ok {
		b.Body = bytes.Clone(s.Body)
	}
}
