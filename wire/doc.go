// Package wire reads and writes the small change of binary protocols: integers,
// lengths, strings, lists and protobuf fields out of bytes that a stranger sent.
//
// Nothing here allocates more than its caller asked for: what is read aliases
// the input, and every length is checked against the bytes that are left and a
// limit of the caller's before it is used.
package wire
