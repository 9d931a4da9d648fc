package upnp

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"parley/internal/golden"
	"parley/transport/nat"
)

// recorded is the session that the original had with a gateway.
type recorded struct {
	description, address []byte              // what the gateway answered
	asked                []map[string]string // what the original asked for, in order
}

func readRecorded(t *testing.T) (r recorded) {
	t.Helper()
	var file struct {
		Frames []struct{ Dir, Hex string }
	}
	golden.Load(t, "testdata/2014-12-upnp", &file)
	for _, fr := range file.Frames {
		b := golden.Bytes(t, fr.Hex)
		switch {
		case fr.Dir == "in" && r.description == nil:
			r.description = b
		case fr.Dir == "in":
			r.address = b
		case fr.Dir == "out" && bytes.HasPrefix(b, []byte("POST ")):
			req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
			if err != nil {
				t.Fatal(err)
			}
			r.asked = append(r.asked, question(t, req))
		}
	}
	if r.address == nil || len(r.asked) != 3 {
		t.Fatalf("%d questions are recorded, want 3", len(r.asked))
	}
	return r
}

// question returns what a request asks for: the action and its arguments.
func question(t *testing.T, r *http.Request) map[string]string {
	args := map[string]string{"SOAPAction": r.Header.Get("SOAPAction"), "path": r.URL.Path}
	d := xml.NewDecoder(r.Body)
	name := ""
	for {
		switch tok, err := d.Token(); x := tok.(type) {
		case xml.StartElement:
			name = x.Name.Local
		case xml.CharData:
			if strings.HasPrefix(name, "New") {
				args[name] = string(x)
			}
		case xml.EndElement:
			if _, ok := args[x.Name.Local]; !ok && strings.HasPrefix(x.Name.Local, "New") {
				args[x.Name.Local] = ""
			}
			name = ""
		case nil:
			if err != io.EOF {
				t.Errorf("question: %v", err)
			}
			return args
		}
	}
}

// player answers as the recorded gateway did, and notes what it was asked for.
type player struct {
	t     *testing.T
	r     recorded
	mu    sync.Mutex
	asked []map[string]string
}

func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Write(p.r.description)
		return
	}
	q := question(p.t, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, q)
	switch {
	case strings.HasSuffix(q["SOAPAction"], `#GetExternalIPAddress"`):
		w.Write(p.r.address)
	case strings.HasSuffix(q["SOAPAction"], `#GetSpecificPortMappingEntry"`):
		http.Error(w, "", http.StatusInternalServerError) // the gateway of 2014 does not tell
	default:
		io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body></s:Body></s:Envelope>`)
	}
}

// TestRecorded has the session of the original with the gateway that it was
// recorded with, and compares the questions.
func TestRecorded(t *testing.T) {
	p := &player{t: t, r: readRecorded(t)}
	web, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	search, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	srv := &http.Server{Handler: p}
	wg.Go(func() { srv.Serve(web) })
	wg.Go(func() {
		b := make([]byte, 2048)
		for {
			_, from, err := search.ReadFrom(b)
			if err != nil {
				return
			}
			search.WriteTo([]byte("HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLOCATION: http://"+web.Addr().String()+"/desc.xml\r\n\r\n"), from)
		}
	})
	defer wg.Wait()
	defer search.Close()
	defer srv.Close()

	n, err := discover(nat.Network{Search: search.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	if ip, err := n.GetExternalAddress(); err != nil || !ip.Equal(net.IPv4(203, 0, 113, 7)) {
		t.Errorf("external address %v, %v", ip, err)
	}
	if port, err := n.AddPortMapping("tcp", 46656, 46656, "Tendermint UPnP Probe", 0); err != nil || port != 46656 {
		t.Errorf("mapped to %d, %v", port, err)
	}
	if err := n.DeletePortMapping("tcp", 46656, 46656); err != nil {
		t.Error(err)
	}
	for _, want := range p.r.asked {
		// The original wrote its machine's address and the protocol in lower case.
		if want["NewProtocol"] != "" {
			want["NewProtocol"] = "TCP"
		}
		if want["NewInternalClient"] != "" {
			want["NewInternalClient"] = "127.0.0.1"
		}
		found := false
		for _, got := range p.asked {
			found = found || maps.Equal(got, want)
		}
		if !found {
			t.Errorf("nothing like %v was asked, but %v", want, p.asked)
		}
	}
}
