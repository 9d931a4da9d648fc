package bitcoin_test

import (
	"fmt"

	"parley/dialect/bitcoin"
)

// A node of Soter's simulation network. The application announces a transaction to
// all peers, and asks one for a block with a request that must be answered.
func Example() {
	p := bitcoin.SoterSim()
	d, err := bitcoin.New(bitcoin.Config{Params: p, Services: bitcoin.ServiceNetwork})
	if err != nil {
		fmt.Println(err)
		return
	}
	announce := bitcoin.Announce{Inv: []bitcoin.Inv{{Type: bitcoin.InvTx, Hash: bitcoin.Hash{1}}}} // for node.Command
	getdata := bitcoin.Request(bitcoin.TypeGetData, p.AppendInvs(nil, []bitcoin.Inv{               // for Link.Queue
		{Type: bitcoin.InvBlock, Hash: p.Genesis},
	}))
	name, _ := bitcoin.CommandName(getdata.Type)
	fmt.Println(d.Name(), len(announce.Inv), name, len(getdata.Body))
	fmt.Println(p.Genesis)
	// Output:
	// soter 1 getdata 41
	// 5f2694c9f5d5808adf308c62995154d29596c36c554b15d3d95cdd6bebaf6cb2
}
