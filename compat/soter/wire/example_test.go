package wire_test

import (
	"bytes"
	"fmt"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
)

// Messages are written to and read from connections.
func Example() {
	var conn bytes.Buffer
	hash, _ := chainhash.NewHashFromStr("5f2694c9f5d5808adf308c62995154d29596c36c554b15d3d95cdd6bebaf6cb2")
	inv := wire.NewMsgInv()
	if err := inv.AddInvVect(wire.NewInvVect(wire.InvTypeBlock, hash, 0)); err != nil {
		fmt.Println(err)
	}
	if err := wire.WriteMessage(&conn, inv, wire.ProtocolVersion, wire.SimNet); err != nil {
		fmt.Println(err)
	}

	msg, payload, err := wire.ReadMessage(&conn, wire.ProtocolVersion, wire.SimNet)
	if err != nil {
		fmt.Println(err)
		return
	}
	switch msg := msg.(type) {
	case *wire.MsgInv:
		fmt.Println(len(payload), msg.InvList[0].Type, msg.InvList[0].Hash)
	}
	// Output: 41 MSG_BLOCK 5f2694c9f5d5808adf308c62995154d29596c36c554b15d3d95cdd6bebaf6cb2
}

// With BitcoinForm the same messages are those of Bitcoin's networks.
func Example_bitcoin() {
	locator := &wire.MsgGetBlocks{ProtocolVersion: wire.ProtocolVersion}
	for range 3 {
		if err := locator.AddBlockLocatorHash(&chainhash.Hash{}); err != nil {
			fmt.Println(err)
		}
	}
	b, err := wire.AppendMessage(nil, locator, wire.ProtocolVersion, wire.MainNet, wire.LatestEncoding|wire.BitcoinForm)
	fmt.Println(len(b)-wire.MessageHeaderSize, err)
	// Output: 133 <nil>
}
