package chainhash

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const genesis = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"

func TestText(t *testing.T) {
	h, err := NewHashFromStr(genesis)
	if err != nil || h.String() != genesis || h[0] != 0x6f || h[31] != 0 {
		t.Errorf("%s is read as %v, error %v", genesis, h, err)
	}
	short, err := NewHashFromStr(strings.TrimLeft(genesis, "0"))
	if err != nil || !short.IsEqual(h) {
		t.Errorf("without zeros it is %v, error %v", short, err)
	}
	if h, err := NewHashFromStr(""); err != nil || *h != (Hash{}) {
		t.Errorf("nothing is %v, error %v", h, err)
	}
	if _, err := NewHashFromStr("0" + genesis); !errors.Is(err, ErrHashStrSize) {
		t.Errorf("65 characters: error %v", err)
	}
	was := *h
	if err := Decode(h, "xyz"); err == nil || *h != was {
		t.Errorf("xyz is %v, error %v", h, err)
	}
}

func TestBytes(t *testing.T) {
	b := bytes.Repeat([]byte{7}, HashSize)
	h, err := NewHash(b)
	if err != nil || !bytes.Equal(h[:], b) {
		t.Fatalf("%x is %v, error %v", b, h, err)
	}
	c := h.CloneBytes()
	c[0]++
	if h[0] != 7 {
		t.Error("the clone is the hash itself")
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := NewHash(make([]byte, n)); err == nil || h.SetBytes(make([]byte, n)) == nil {
			t.Errorf("%d bytes are a hash", n)
		}
	}
	var none *Hash
	if !none.IsEqual(nil) || none.IsEqual(h) || h.IsEqual(nil) || !h.IsEqual(&Hash{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}) {
		t.Error("hashes are not compared by value")
	}
}

func TestHashes(t *testing.T) {
	const once = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	const twice = "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"
	b := []byte("hello")
	if got := fmt.Sprintf("%x", HashB(b)); got != once {
		t.Errorf("SHA-256 is %s, want %s", got, once)
	}
	if got := fmt.Sprintf("%x", DoubleHashB(b)); got != twice {
		t.Errorf("double SHA-256 is %s, want %s", got, twice)
	}
	if h, d := HashH(b), DoubleHashH(b); !bytes.Equal(h[:], HashB(b)) || !bytes.Equal(d[:], DoubleHashB(b)) {
		t.Error("the two ways to hash differ")
	}
}

func ExampleNewHashFromStr() {
	h, err := NewHashFromStr("0f9188f13cb7b2c7")
	fmt.Println(h, err)
	// Output: 0000000000000000000000000000000000000000000000000f9188f13cb7b2c7 <nil>
}

// FuzzDecode reads any text; what is accepted is written with zeros before it.
func FuzzDecode(f *testing.F) {
	f.Add(genesis)
	f.Fuzz(func(t *testing.T, s string) {
		var h Hash
		if Decode(&h, s) != nil {
			return
		}
		want := strings.Repeat("0", MaxHashStringSize-len(s)) + strings.ToLower(s)
		if h.String() != want {
			t.Errorf("%q comes back as %s", s, h)
		}
	})
}
