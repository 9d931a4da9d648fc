// Package node runs a core.Node on real connections.
//
// A [Node] is one network speaking one dialect. It dials, listens, opens links,
// reads, writes and shuts down; whom to dial, admit and drop is decided by
// package core, and what the bytes mean by the dialect.
//
// # Goroutines
//
// One brain owns the core and every table; it is the goroutine that called
// [Node.Run]. Each listener has one, and each live link has two: the one that
// dialed or was accepted runs the opening exchange and then becomes the reader,
// and a writer. A saver runs while the store is written. Run waits for all.
//
// # Crossing between them
//
// Anyone reaches the brain through its inbox, whose senders are bounded instead
// of the queue: each link has at most two reports in it, each listener and each
// caller of a method one task, or more only if it gave up waiting. Anyone reaches a writer through its link's outbox,
// bounded in bytes. The live table and the counters are read by anyone.
//
// # Application bytes
//
// They do not visit the brain. Inbound, the reader hands what one read completed
// to [Handler.Receive] on its own goroutine. Outbound, [Link.Queue],
// [Link.Send] and [Node.Broadcast] put into outboxes, and each writer takes all
// that waits and writes it with as few system calls as it can.
package node
