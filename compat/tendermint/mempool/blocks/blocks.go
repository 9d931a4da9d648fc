// Package blocks stands for the part of an application that the MempoolAgent of the
// example passes on: transactions.
package blocks

import (
	"io"

	"parley/compat/tendermint/binary"
)

// Tx is a transaction.
type Tx struct {
	To     string
	Amount uint64
}

// WriteTo implements [binary.Binary].
func (tx Tx) WriteTo(w io.Writer) (n int64, err error) {
	binary.WriteString(w, tx.To, &n, &err)
	binary.WriteUInt64(w, tx.Amount, &n, &err)
	return n, err
}

// ReadTx reads what WriteTo writes.
func ReadTx(r io.Reader, n *int64, err *error) Tx {
	return Tx{To: binary.ReadString(r, n, err), Amount: binary.ReadUInt64(r, n, err)}
}
