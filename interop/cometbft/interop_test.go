package cometbft_test

import (
	"os"
	"testing"

	"github.com/cometbft/cometbft/version"

	"parley/interop/cometbft/suite"
)

func TestInterop(t *testing.T) {
	if v := version.P2PProtocol; v != 8 {
		t.Fatalf("built with a CometBFT that announces protocol %d, want 8", v)
	}
	suite.Run(t, os.DirFS("../../dialect/tendermint/testdata"))
}
