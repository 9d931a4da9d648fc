// Package e2e holds tests of the parts together: real nodes speaking a real
// dialect to peers that mean harm. It has no code of its own.
package e2e
