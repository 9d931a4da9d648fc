package seeds

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"parley/addr"
)

// names is a resolver that knows a few.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if ips, ok := n[host]; ok {
		return ips, nil
	}
	return nil, errors.New("no such host")
}

func ips(ss ...string) (list []netip.Addr) {
	for _, s := range ss {
		list = append(list, netip.MustParseAddr(s))
	}
	return list
}

func TestLookup(t *testing.T) {
	many := make([]netip.Addr, maxLooked+50)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
	}
	r := names{"a": ips("1.2.3.4", "::ffff:1.2.3.4", "2001:db8::1", "0.0.0.0"), "b": ips("1.2.3.4", "5.6.7.8"), "many": many}
	got, err := Lookup(t.Context(), r, []string{"a", "gone", "b"}, 8333)
	want := []addr.Addr{place(t, "1.2.3.4:8333"), place(t, "[2001:db8::1]:8333"), place(t, "5.6.7.8:8333")}
	if !slices.Equal(got, want) || err == nil || !strings.Contains(err.Error(), "seed gone: no such host") {
		t.Errorf("%v, %v; want %v and a complaint about gone", got, err, want)
	}
	if got, err := Lookup(t.Context(), r, []string{"many"}, 1); len(got) != maxLooked || err != nil {
		t.Errorf("%d addresses of one name, limit %d: %v", len(got), maxLooked, err)
	}
	if got, err := Lookup(t.Context(), r, nil, 1); got != nil || err != nil {
		t.Errorf("no names lead to %v, %v", got, err)
	}
}

func TestNames(t *testing.T) {
	var told error
	bad := func(err error) { told = err }
	r := names{"a": ips("1.2.3.4")}
	if as, _, err := Names(r, []string{"gone", "a"}, 1, bad)(t.Context()); len(as) != 1 || err != nil || told == nil {
		t.Errorf("%v, %v; told %v, want one address and a complaint", as, err, told)
	}
	if as, _, err := Names(r, []string{"gone"}, 1, bad)(t.Context()); as != nil || err == nil {
		t.Errorf("names that lead nowhere: %v, %v", as, err)
	}
}
