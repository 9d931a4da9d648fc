//go:build !amd64 || purego

package wire

func canFold() bool { return false }

func fold(uint32, *byte, int, *[4]uint64, *[16]byte) { panic("wire: the processor cannot fold") }
