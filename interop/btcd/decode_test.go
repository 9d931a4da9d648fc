package btcd

import (
	"bytes"
	"slices"
	"testing"
	"time"

	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/compat/soter/wire"
)

// frameOf returns a message as it is on the wire.
func frameOf(b *testing.B, m wire.Message) []byte {
	frame, err := wire.AppendMessage(nil, m, wire.AddrV2Version, wire.SimNet, wire.BaseEncoding|wire.BitcoinForm)
	if err != nil {
		b.Fatal(err)
	}
	return frame
}

// decode reads the payload of a message, both implementations and the floor in turns,
// and reports medians of CPU time. So many are measured together.
func decode(b *testing.B, m wire.Message, theirs func() theirwire.Message, least func(payload []byte), together int) {
	command, payload := m.Command(), frameOf(b, m)[wire.MessageHeaderSize:]
	sides := []func(){
		func() {
			if _, err := wire.DecodePayload(command, payload, wire.AddrV2Version, wire.WitnessEncoding|wire.BitcoinForm); err != nil {
				b.Fatal(err)
			}
		},
		func() {
			if err := theirs().BtcDecode(bytes.NewBuffer(payload), wire.AddrV2Version, theirwire.WitnessEncoding); err != nil {
				b.Fatal(err)
			}
		},
		func() { least(payload) },
	}
	took := make([][]time.Duration, len(sides))
	for b.Loop() {
		for i, f := range sides {
			start := cpuTime()
			for range together {
				f()
			}
			took[i] = append(took[i], cpuTime()-start)
		}
	}
	var medians [3]float64
	for i, name := range []string{"ours", "btcd", "floor"} {
		slices.Sort(took[i])
		medians[i] = float64(took[i][len(took[i])/2]) / float64(together)
		b.ReportMetric(medians[i], name+"-cpu-ns/msg")
	}
	b.ReportMetric(medians[1]/medians[0], "times-less-cpu")
	b.ReportMetric(medians[1]/medians[2], "floor-times-less-cpu")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDecode reads messages without a connection and without a checksum.
func BenchmarkDecode(b *testing.B) {
	b.Run("tx", func(b *testing.B) {
		m, _ := txs250()
		decode(b, m, func() theirwire.Message { return &theirwire.MsgTx{} }, leastTx(), 10_000)
	})
	b.Run("inv", func(b *testing.B) {
		m, _ := invs()
		decode(b, m, func() theirwire.Message { return &theirwire.MsgInv{} }, leastInv, 200)
	})
	b.Run("block", func(b *testing.B) {
		m, _ := megabyte()
		decode(b, m, func() theirwire.Message { return &theirwire.MsgBlock{} }, leastBlock, 20)
	})
}
