// Package btcd meets the peers of btcd: the module is apart from the others so that
// nothing but its tests depends on btcd. It has no code of its own.
package btcd
