package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"parley/addr"
	"parley/config"
	"parley/transport/nat"
	"parley/transport/nat/nattest"
)

// networkOf returns the network of a gateway that answers at once, however busy the
// machine is.
func networkOf(g *nattest.Gateway) nat.Network {
	return nat.Network{Gateway: g.Addr(), Search: g.Search(), Timeout: 20 * time.Second}
}

// TestNAT maps the port of a running node, and wants it unmapped at its end.
func TestNAT(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    nattest.Behavior
		want string
	}{
		{"pcp", nattest.Behavior{PCP: true}, "is mapped to 203.0.113.7:"},
		{"natpmp", nattest.Behavior{NATPMP: true, Shift: 1}, "and peers are told so"},
		{"upnp", nattest.Behavior{UPnP: 1}, "is mapped to 203.0.113.7:"},
		{"any", nattest.Behavior{PCP: true, UPnP: 2}, "is mapped to 203.0.113.7:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home := alone(t)
			tt.b.External = netip.MustParseAddr("203.0.113.7")
			g := nattest.New(t, tt.b)
			o := config.Options{Env: os.Environ(), Flags: flags("listen", "127.0.0.1:0", "data-dir", filepath.Join(home, "d"), "seed-url", "", "nat", tt.name)}
			out := newScreen()
			d, err := newDaemon(func() (*config.Settings, error) { return config.Load(o) }, out, newScreen())
			if err != nil {
				t.Fatal(err)
			}
			d.home = networkOf(g)
			end, over := make(chan os.Signal, 1), make(chan error, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() { over <- d.run(ctx, end, nil) })
			out.wait("is mapped to ")
			if ms := g.Mappings(); len(ms) != 1 || ms[0].Port != d.node.Listening()[0].Port || !strings.Contains(out.String(), tt.want) {
				t.Errorf("mapped are %+v, want port %d; printed:\n%s", ms, d.node.Listening()[0].Port, out)
			}
			if told, want := d.node.Self().Listen, addr.FromAddrPort(netip.AddrPortFrom(tt.b.External, g.Mappings()[0].External)); told != want {
				t.Errorf("peers are told %s, want %s", told, want)
			}
			end <- os.Interrupt
			if err := <-over; err != nil {
				t.Error(err)
			}
			if ms := g.Mappings(); len(ms) != 0 {
				t.Errorf("left mapped are %+v", ms)
			}
			if text := out.String(); !strings.Contains(text, "is not mapped any more") {
				t.Errorf("the end of the mapping is not told:\n%s", text)
			}
		})
	}
}

func TestMappable(t *testing.T) {
	for _, tt := range []struct {
		listen string
		local  bool
		port   uint16
	}{
		{":7", false, 7}, {"127.0.0.1:7", false, 0}, {"127.0.0.1:7", true, 7}, {"[2001:db8::1]:7", false, 0},
		{"127.0.0.1:7 10.0.0.1:8", false, 8}, {"none", false, 0}, {"0.0.0.0:9", false, 9},
	} {
		s, err := config.Load(config.Options{Env: []string{"HOME=/nonexistent"}, Flags: flags("listen", tt.listen)})
		if err != nil {
			t.Fatal(err)
		}
		if port, ok := mappable(s.Accept(), tt.local); port != tt.port || ok != (tt.port != 0) {
			t.Errorf("%s: port %d, %v, want %d", tt.listen, port, ok, tt.port)
		}
	}
	if _, ok := mappable([]addr.Addr{}, true); ok {
		t.Error("a node without a listener has a port to map")
	}
}

// doctor runs parley doctor nat in a network.
func doctor(t *testing.T, home nat.Network, args ...string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	look := doctorCommand().Commands[0]
	look.Action = func(ctx context.Context, cmd *cli.Command) error { return doctorNAT(ctx, cmd, home) }
	look.Writer, look.ErrWriter = &b, &b
	look.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	err = look.Run(t.Context(), append([]string{"nat"}, args...))
	return b.String(), err
}

func TestDoctor(t *testing.T) {
	public := netip.MustParseAddr("5.6.7.8")
	for _, tt := range []struct {
		name string
		b    nattest.Behavior
		code int
		want []string
	}{
		{"maps", nattest.Behavior{PCP: true, External: public}, 0, []string{"5.6.7.8:", "maps", "Peers can be let in: run parley node --nat pcp"}},
		{"refuses", nattest.Behavior{PCP: true, External: public, Refuse: 2}, 1, []string{"does not map: ", "A gateway answers but does not map"}},
		{"double", nattest.Behavior{PCP: true, External: netip.MustParseAddr("192.168.7.7")}, 1, []string{"another NAT behind it", "forward a port at the outer one"}},
		{"silent", nattest.Behavior{}, 1, []string{"nobody answers", "No gateway answers"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := nattest.New(t, tt.b)
			home := networkOf(g)
			if !tt.b.PCP { // there is nothing to wait for
				home.Timeout = 50 * time.Millisecond
			}
			out, err := doctor(t, home, "--nat", "pcp")
			code := 0
			if ec, ok := errors.AsType[cli.ExitCoder](err); ok {
				code = ec.ExitCode()
			}
			if code != tt.code {
				t.Errorf("exit code %d (%v), want %d", code, err, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			if ms := g.Mappings(); len(ms) > 0 {
				t.Errorf("left mapped are %+v", ms)
			}
		})
	}
}

func TestDoctorJSON(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{NATPMP: true, External: netip.MustParseAddr("5.6.7.8")})
	out, err := doctor(t, networkOf(g), "--json", "--nat", "natpmp")
	var r struct {
		Protocols []struct {
			Protocol string
			Mapped   bool
		}
	}
	if jerr := json.Unmarshal([]byte(out), &r); jerr != nil || err != nil || len(r.Protocols) != 1 || !r.Protocols[0].Mapped {
		t.Errorf("%v, %v: %s", err, jerr, out)
	}
	for _, args := range []string{"--nat none", "--nat carrier-pigeon"} {
		if _, err := doctor(t, nat.Network{}, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), "want any, upnp, natpmp or pcp") {
			t.Errorf("%s: %v", args, err)
		}
	}
}
