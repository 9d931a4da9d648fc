// Package core is the brain of a node: whom to dial, admit, keep, share, blame,
// drop and ban. It is a state machine without goroutines, locks, clocks, I/O or
// a logger. Callers report what happened and carry out the [Effects] they get
// back; given the same seed and the same calls it always answers the same.
//
// Package node wraps it in goroutines and sockets, package sim in an event
// heap. Programs with an event loop of their own may use it directly: after
// each call carry out the effects, then arrange for Wake at Next.
package core
