package nattest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// serveSSDP answers searches for the gateway's own kind of device.
func (g *Gateway) serveSSDP() {
	b := make([]byte, 2048)
	for {
		n, from, err := g.ssdp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if answer := g.found(string(b[:n])); answer != "" {
			g.ssdp.WriteToUDPAddrPort([]byte(answer), from)
		}
	}
}

func (g *Gateway) found(search string) string {
	g.mu.Lock()
	has := g.behavior
	g.mu.Unlock()
	device := fmt.Sprintf("urn:schemas-upnp-org:device:InternetGatewayDevice:%d", has.UPnP)
	switch {
	case has.UPnP == 0 || !strings.HasPrefix(search, "M-SEARCH ") || !strings.Contains(search, "ST: "+device+"\r\n"):
		return ""
	case has.Nonsense:
		return "\x00\x01 nothing of the kind"
	}
	at := g.http.Addr().String()
	if has.Elsewhere {
		at = "192.0.2.1:80"
	}
	return "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nEXT:\r\nLOCATION: http://" + at + "/Desc.xml\r\n" +
		"ST: " + device + "\r\nUSN: uuid:a::" + device + "\r\n\r\n"
}

// serveHTTP serves the description and the control address.
func (g *Gateway) serveHTTP() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /Desc.xml", g.describe)
	mux.HandleFunc("POST /ctl/IPConn", g.control)
	s := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second}
	s.SetKeepAlivesEnabled(false)
	s.Serve(g.http)
	s.Close()
}

// description is that of a gateway, with %[1]d for the version.
const description = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>` +
	`<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:%[1]d</deviceType><deviceList><device>` +
	`<deviceType>urn:schemas-upnp-org:device:WANDevice:%[1]d</deviceType><deviceList><device>` +
	`<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:%[1]d</deviceType><serviceList><service>` +
	`<serviceType>urn:schemas-upnp-org:service:WANIPConnection:%[1]d</serviceType>` +
	`<controlURL>/ctl/IPConn</controlURL></service></serviceList></device></deviceList></device></deviceList></device></root>`

func (g *Gateway) describe(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	version := g.behavior.UPnP
	g.mu.Unlock()
	fmt.Fprintf(w, description, version)
}

// envelope holds the arguments of any action.
type envelope struct {
	Body struct {
		Action struct {
			Args []struct {
				XMLName xml.Name
				Text    string `xml:",chardata"`
			} `xml:",any"`
		} `xml:",any"`
	} `xml:"Body"`
}

func (g *Gateway) control(w http.ResponseWriter, r *http.Request) {
	service, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPACTION"), `"`), "#")
	var e envelope
	if err := xml.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	args := map[string]string{}
	for _, a := range e.Body.Action.Args {
		args[a.XMLName.Local] = a.Text
	}
	from := netip.MustParseAddrPort(r.RemoteAddr).Addr().Unmap()
	g.mu.Lock()
	out, code := g.act(action, args, from)
	g.mu.Unlock()
	const head = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>`
	if code != 0 {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, head+`<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>`+
			`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode><errorDescription>no %d</errorDescription>`+
			`</UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code, code)
		return
	}
	fmt.Fprintf(w, head+`<u:%[1]sResponse xmlns:u="%[2]s">%[3]s</u:%[1]sResponse></s:Body></s:Envelope>`, action, service, out)
}

// act carries an action out and returns the XML of what it returns, or an error
// code of WANIPConnection. It is called with mu held.
func (g *Gateway) act(action string, args map[string]string, from netip.Addr) (out string, code int) {
	external, _ := strconv.ParseUint(args["NewExternalPort"], 10, 16)
	udp := args["NewProtocol"] == "UDP"
	switch action {
	case "GetExternalIPAddress":
		if !g.behavior.External.IsValid() {
			return "<NewExternalIPAddress></NewExternalIPAddress>", 0
		}
		return fmt.Sprintf("<NewExternalIPAddress>%v</NewExternalIPAddress>", g.behavior.External), 0
	case "AddPortMapping":
		g.asked++
		return "", g.add(uint16(external), udp, args, from)
	case "DeletePortMapping":
		g.asked++
		if !g.drop(uint16(external), udp) {
			return "", 714
		}
		return "", 0
	case "GetSpecificPortMappingEntry":
		return g.entry(uint16(external), udp)
	}
	return "", 401
}

func (g *Gateway) add(external uint16, udp bool, args map[string]string, from netip.Addr) (code int) {
	port, _ := strconv.ParseUint(args["NewInternalPort"], 10, 16)
	seconds, err := strconv.ParseUint(args["NewLeaseDuration"], 10, 32)
	client, bad := netip.ParseAddr(args["NewInternalClient"])
	switch has := g.behavior; {
	case has.Refuse != 0:
		return has.Refuse
	case err != nil || bad != nil || port == 0 || external == 0:
		return 402
	case client != from:
		return 606
	case external == has.Taken:
		return 718
	case has.Permanent && seconds != 0:
		return 725
	}
	lifetime := g.granted(time.Duration(seconds) * time.Second)
	if !g.put(Mapping{External: external, UDP: udp, Client: client, Port: uint16(port), Lifetime: lifetime, Name: args["NewPortMappingDescription"]}) {
		return 501
	}
	return 0
}

func (g *Gateway) entry(external uint16, udp bool) (out string, code int) {
	for _, m := range g.mappings {
		if m.External == external && m.UDP == udp {
			return fmt.Sprintf("<NewInternalPort>%d</NewInternalPort><NewInternalClient>%v</NewInternalClient><NewEnabled>1</NewEnabled>"+
				"<NewPortMappingDescription>x</NewPortMappingDescription><NewLeaseDuration>%d</NewLeaseDuration>",
				m.Port, m.Client, m.Lifetime/time.Second), 0
		}
	}
	return "", 714
}
