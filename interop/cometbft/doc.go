// Package cometbft shows that Parley and CometBFT understand each other: its tests
// run real switches of CometBFT 0.38 and nodes of ours on loopback, in both roles.
// The module in v1 does the same with CometBFT 1.0. The two versions share an import
// path and so cannot be in one module; but 1.0 kept the part of the Go interface
// that is needed here, so the code exists once, and the module that builds it says
// against which version.
package cometbft
