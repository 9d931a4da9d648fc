// Command peers measures what a user could pick instead: one way through one
// connection, and one sender to many receivers, both ends in this process, each
// library as its own documentation shows it. It prints ratios to bare TCP, measured
// in turn with each library, and the versions that were built in.
//
//	go run .            # the table
//	go run . -json      # for programs
//
// It is a module of its own, so that none of these libraries is a requirement of
// the engine.
package main
