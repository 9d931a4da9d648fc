// Command peers measures what a user could pick instead: one way through one
// connection, and one sender to many receivers, all ends in this process and on
// loopback, each library as its own documentation shows it. All that do the same
// work take turns with bare TCP and with the engine, and what is printed are ratios
// of the same turn, with the versions that were built in.
//
//	go run .            # the table
//	go run . --json     # for programs
//
// Nothing may be lost: a turn ends when the receivers have counted every message,
// and a row with one missing is an error. What would drop messages is held to a
// window by its sender; the table says which does what.
//
// It is a module of its own, so that none of these libraries is a requirement of
// the engine.
package main
