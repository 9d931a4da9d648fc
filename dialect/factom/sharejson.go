package factom

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/wire"
)

// appendShare9 appends the records of the old peer table, whose other columns
// have been constants since factom-p2p.
func appendShare9(dst []byte, network uint32, es []Endpoint) []byte {
	if len(es) == 0 {
		return append(dst, "null"...)
	}
	for i, e := range es {
		dst = append(dst, listSeparator(i))
		dst = append(dst, `{"QualityScore":20,"Address":`...)
		dst = appendJSONString(dst, e.Host)
		dst = append(dst, `,"Port":`...)
		dst = appendJSONString(dst, e.Port)
		dst = append(dst, `,"NodeID":1,"Hash":`...)
		dst = appendJSONString(dst, e.Host)
		dst = append(dst, `,"Location":`...)
		dst = strconv.AppendUint(dst, uint64(location(e.Host)), 10)
		dst = append(dst, `,"Network":`...)
		dst = strconv.AppendUint(dst, uint64(network), 10)
		dst = append(dst, `,"Type":0,"Connections":1,"LastContact":"0001-01-01T00:00:00Z","Source":{}}`...)
	}
	return append(dst, ']')
}

func appendShare10(dst []byte, es []Endpoint) []byte {
	if len(es) == 0 {
		return append(dst, "null"...)
	}
	for i, e := range es {
		dst = append(dst, listSeparator(i))
		dst = append(dst, `{"ip":`...)
		dst = appendJSONString(dst, e.Host)
		dst = append(dst, `,"port":`...)
		dst = appendJSONString(dst, e.Port)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func listSeparator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

// parseShareJSON reads a list of objects and keeps the texts of two of their
// keys, which match in any case, as in Go's decoder. Memory is made for entries
// that were seen, so a million of them cost no more than limit.
func parseShareJSON(b []byte, host, port string, limit int) ([]Endpoint, error) {
	j := jsonReader{b: b}
	hostKey, portKey := []byte(host), []byte(port)
	var es []Endpoint
	if j.skipSpace() == 'n' {
		j.literal("null")
	} else {
		j.list('[', ']', func() {
			if err := wire.CheckLen("addresses", uint64(len(es)+1), limit); err != nil {
				j.fail(err)
				return
			}
			es = append(es, j.endpoint(hostKey, portKey))
		})
	}
	if j.skipSpace(); j.err == nil && len(j.b) > 0 {
		j.bad("after the list")
	}
	if j.err != nil {
		return nil, j.err
	}
	return es, nil
}

func (j *jsonReader) endpoint(host, port []byte) (e Endpoint) {
	j.list('{', '}', func() {
		key := j.text(len(host) + len(port))
		if j.skipSpace() != ':' {
			j.bad("after a key")
			return
		}
		j.b = j.b[1:]
		c := j.skipSpace()
		switch {
		case c == 'n':
			j.literal("null")
		case bytes.EqualFold(key, host):
			e.Host = string(j.text(maxHost))
		case bytes.EqualFold(key, port):
			e.Port = string(j.text(maxPort))
		default:
			j.skip(2)
		}
	})
	return e
}

// appendJSONString appends s in quotes as Go's encoder writes it, with < > & and
// the two line separators escaped.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s { // an invalid byte becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' && strings.ContainsRune("\b\f\n\r\t", r):
			dst = append(dst, '\\', "btn\x00fr"[r-'\b'])
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029':
			dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
