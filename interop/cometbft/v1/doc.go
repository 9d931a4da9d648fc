// Package v1 tells the stories of parley/interop/cometbft with CometBFT 1.0.
package v1
