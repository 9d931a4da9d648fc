package tendermint

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"parley/addr"
)

// Limits of an address book file. The originals' books hold 16,384 and 4,096
// addresses in new and old buckets.
const (
	maxBook    = 16 << 20 // bytes
	maxKnown   = 65_536   // addresses
	newBuckets = 256
	oldBuckets = 64
	maxBuckets = 8 // of one address
)

// AddrBook is what an addrbook.json holds, of CometBFT or of 2014.
type AddrBook struct {
	Key   string // secret that spreads addresses over buckets, as text
	Addrs []KnownAddress
}

// KnownAddress is an address in a book.
type KnownAddress struct {
	Addr, Src   NetAddress // the address, and who told us; without identities in 2014
	Attempts    int        // dials since the last success
	LastAttempt time.Time
	LastSuccess time.Time // zero for never
	LastBan     time.Time // zero for never; always in 2014
	Old         bool      // it was proven good
	Buckets     []int     // where it is: one of 64 if it is old, else some of 256
}

// bookFile and the types below are the file of CometBFT.
type bookFile struct {
	Key   string               `json:"key"`
	Addrs bookAddrs[bookEntry] `json:"addrs"`
}

// bookAddrs is a list of at most maxKnown entries: it is read one by one, so
// that a file of nothing but brackets does not take gigabytes.
type bookAddrs[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *bookAddrs[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	switch t, err := d.Token(); {
	case err != nil || t == nil:
		return err
	case t != json.Delim('['):
		return errNoList
	}
	for d.More() {
		if len(*l) >= maxKnown {
			return fmt.Errorf("addresses: limit %d", maxKnown)
		}
		var e T
		if err := d.Decode(&e); err != nil {
			return err
		}
		*l = append(*l, e)
	}
	return nil
}

var errNoList = errors.New("addresses: not a list")

type bookEntry struct {
	Addr        bookAddr  `json:"addr"`
	Src         bookAddr  `json:"src"`
	Buckets     []int     `json:"buckets"`
	Attempts    int32     `json:"attempts"`
	BucketType  byte      `json:"bucket_type"`
	LastAttempt time.Time `json:"last_attempt"`
	LastSuccess time.Time `json:"last_success"`
	LastBan     time.Time `json:"last_ban_time"`
}

type bookAddr struct {
	ID   string     `json:"id"`
	IP   netip.Addr `json:"ip"`
	Port uint16     `json:"port"`
}

// bookFile2014 and the types below are the file of 2014.
type bookFile2014 struct {
	Key   string
	Addrs bookAddrs[bookEntry2014]
}

type bookEntry2014 struct {
	Addr        bookAddr2014
	Src         bookAddr2014
	Attempts    uint32
	LastAttempt time.Time
	LastSuccess time.Time
	BucketType  byte
	Buckets     []int
}

type bookAddr2014 struct {
	IP   netip.Addr
	Port uint16
}

// The kinds of buckets in a file.
const (
	bucketNew = 1
	bucketOld = 2
)

// ParseAddrBook reads the addrbook.json of a CometBFT node. Errors name the entry
// that is wrong.
func ParseAddrBook(file []byte) (*AddrBook, error) {
	var f bookFile
	if err := decodeBook(file, &f); err != nil {
		return nil, err
	}
	b := &AddrBook{Key: f.Key}
	for i, e := range f.Addrs {
		k := KnownAddress{
			Addr: e.Addr.net(), Src: e.Src.net(), Buckets: e.Buckets, Attempts: int(e.Attempts),
			LastAttempt: e.LastAttempt, LastSuccess: e.LastSuccess, LastBan: e.LastBan,
		}
		if err := checkID(k.Addr.ID); err != nil {
			return nil, fmt.Errorf("address book: entry %d: %w", i, err)
		}
		if err := b.take(k, e.BucketType); err != nil {
			return nil, fmt.Errorf("address book: entry %d: %w", i, err)
		}
	}
	return b, nil
}

// ParseAddrBook2014 reads the addrbook.json of a node of 2014.
func ParseAddrBook2014(file []byte) (*AddrBook, error) {
	var f bookFile2014
	if err := decodeBook(file, &f); err != nil {
		return nil, err
	}
	b := &AddrBook{Key: f.Key}
	for i, e := range f.Addrs {
		k := KnownAddress{
			Addr: bookAddr(e.Addr.with("")).net(), Src: bookAddr(e.Src.with("")).net(), Buckets: e.Buckets,
			Attempts: int(e.Attempts), LastAttempt: e.LastAttempt, LastSuccess: e.LastSuccess,
		}
		if err := b.take(k, e.BucketType); err != nil {
			return nil, fmt.Errorf("address book: entry %d: %w", i, err)
		}
	}
	return b, nil
}

func decodeBook(file []byte, v any) error {
	if len(file) > maxBook {
		return fmt.Errorf("address book: %d bytes, limit %d", len(file), maxBook)
	}
	if err := json.Unmarshal(file, v); err != nil {
		return fmt.Errorf("address book: %w", err)
	}
	return nil
}

func (a bookAddr) net() NetAddress {
	return NetAddress{a.ID, addr.Addr{IP: a.IP.Unmap(), Port: a.Port}}
}

func (a bookAddr2014) with(id string) bookAddr { return bookAddr{id, a.IP, a.Port} }

// take adds an entry, if there is nothing wrong with it.
func (b *AddrBook) take(k KnownAddress, kind byte) error {
	limit := newBuckets
	switch kind {
	case bucketNew:
	case bucketOld:
		k.Old, limit = true, oldBuckets
	default:
		return fmt.Errorf("bucket type %d, want %d or %d", kind, bucketNew, bucketOld)
	}
	switch {
	case !k.Addr.Addr.IP.IsValid() || k.Addr.Addr.IP.Zone() != "":
		return fmt.Errorf("no address")
	case k.Attempts < 0:
		return fmt.Errorf("attempts: %d", k.Attempts)
	case len(k.Buckets) > maxBuckets:
		return fmt.Errorf("buckets: %d, limit %d", len(k.Buckets), maxBuckets)
	}
	for _, n := range k.Buckets {
		if n < 0 || n >= limit {
			return fmt.Errorf("bucket %d, limit %d", n, limit-1)
		}
	}
	b.Addrs = append(b.Addrs, k)
	return nil
}

// Format returns the file that CometBFT reads and ParseAddrBook too. Entries
// without buckets are spread by the group of their address.
func (b *AddrBook) Format() ([]byte, error) {
	f := bookFile{Key: b.Key, Addrs: make(bookAddrs[bookEntry], 0, len(b.Addrs))}
	for _, k := range b.Addrs {
		e := bookEntry{
			Addr: entryAddr(k.Addr), Src: entryAddr(k.Src), Buckets: b.place(k), Attempts: int32(k.Attempts),
			BucketType: kindOf(k), LastAttempt: k.LastAttempt, LastSuccess: k.LastSuccess, LastBan: k.LastBan,
		}
		f.Addrs = append(f.Addrs, e)
	}
	return json.MarshalIndent(f, "", "\t")
}

// Format2014 is Format for nodes of 2014. It leaves out what they do not know:
// identities and bans.
func (b *AddrBook) Format2014() ([]byte, error) {
	f := bookFile2014{Key: b.Key, Addrs: make(bookAddrs[bookEntry2014], 0, len(b.Addrs))}
	for _, k := range b.Addrs {
		to, from := entryAddr(k.Addr), entryAddr(k.Src)
		f.Addrs = append(f.Addrs, bookEntry2014{
			Addr: bookAddr2014{to.IP, to.Port}, Src: bookAddr2014{from.IP, from.Port}, Attempts: uint32(k.Attempts),
			LastAttempt: k.LastAttempt, LastSuccess: k.LastSuccess, BucketType: kindOf(k), Buckets: b.place(k),
		})
	}
	return json.MarshalIndent(f, "", "\t")
}

func entryAddr(n NetAddress) bookAddr { return bookAddr{n.ID, n.Addr.IP, n.Addr.Port} }

func kindOf(k KnownAddress) byte {
	if k.Old {
		return bucketOld
	}
	return bucketNew
}

// place returns the buckets of an entry, or one by the group of its address. The
// originals read any that exist: they draw new ones as addresses move.
func (b *AddrBook) place(k KnownAddress) []int {
	if len(k.Buckets) > 0 {
		return k.Buckets
	}
	group := k.Addr.Addr.Group()
	sum := sha256.Sum256(append([]byte(b.Key), group[:]...))
	if k.Old {
		return []int{int(sum[0]) % oldBuckets}
	}
	return []int{int(sum[0]) % newBuckets}
}
