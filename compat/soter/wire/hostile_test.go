package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"parley/fault"
)

// verdicts are what is wrong with the last message of a recording of hostile peers,
// or "" if nothing is, with soterd or here.
var verdicts = map[string]string{
	"addrcache_overflow":             "addrcache: addresses: 18446744073709551615, limit 999: over the limit",
	"bad_checksum":                   "ping: checksum",
	"bad_checksum_version":           "version: checksum",
	"bad_magic":                      "header: network d9b4bef9, ours is 12141c16",
	"bad_magic_version":              "header: network d9b4bef9, ours is 12141c16",
	"bitcoin_format_version":         "version: ends early",
	"block_nine_parents":             "",
	"btc_sendaddrv2":                 `header: unknown command "sendaddrv2"`,
	"cfcheckpt":                      "",
	"command_not_utf8":               `header: command "\xff\xfe" is not text`,
	"duplicate_version":              "",
	"incompatible_major":             "",
	"inv_short":                      "inv: inventory entries: 1 in 36 bytes: ends early",
	"messages_before_verack":         "",
	"no_verack":                      "",
	"not_version_first":              "",
	"oversized_per_type":             "ping: payload bytes: 9, limit 8: over the limit",
	"oversized_total":                "header: payload bytes: 33554433, limit 33554432: over the limit",
	"regtest_malformed_local":        "",
	"regtest_malformed_remote":       "",
	"self_connect":                   "",
	"trailing_bytes":                 "",
	"unknown_command":                `header: unknown command "frobnicate"`,
	"user_agent_241":                 "", // refused by soterd, whose limit forgot the genesis hash
	"user_agent_257":                 "version: user agent bytes: 257, limit 256: over the limit",
	"verack_with_payload":            "verack: payload bytes: 1, limit 0: over the limit",
	"version_at_minimum":             "",
	"version_below_minimum":          "",
	"version_below_minimum_outbound": "",
	"version_short_80":               "",
}

// TestGoldenHostile reads what hostile peers sent. All but the last message are fine,
// and but for one that the regression network passes over.
func TestGoldenHostile(t *testing.T) {
	for _, r := range recordings(t, "hostile_*", 31) {
		name := strings.TrimPrefix(r.name, "hostile_")
		want, ok := verdicts[name]
		if len(r.Frames) == 0 && name == "silence" {
			continue
		}
		if !ok {
			t.Errorf("%s: no verdict", name)
		}
		net := SimNet
		if strings.HasPrefix(name, "regtest") {
			net = TestNet
		}
		for i, f := range r.Frames {
			b := f.bytes(t)
			n, m, _, err := ReadMessageN(bytes.NewReader(b), ProtocolVersion, net)
			verdict := ""
			switch {
			case i == len(r.Frames)-1:
				verdict = want
			case strings.Contains(f.Meaning, "frobnicate"):
				verdict = `header: unknown command "frobnicate"`
			}
			if verdict == "" {
				if err != nil || n != len(b) || m == nil {
					t.Errorf("%s, message %d: %d of %d bytes read as %+v, error %v", name, i, n, len(b), m, err)
				}
				continue
			}
			refused(t, name, err, verdict)
			if e, ok := errors.AsType[*MessageError](err); ok && e.Rest != 0 && name != "oversized_total" && n+int(e.Rest) != len(b) {
				t.Errorf("%s: %d bytes read and %d to be discarded, want %d together", name, n, e.Rest, len(b))
			}
		}
	}
}

// refused checks that a message was refused as malformed, and in which words.
func refused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*MessageError](err); !ok || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%s: %T %v, want %s", name, err, err, want)
	}
	if !errors.Is(err, fault.Protocol) || fault.KindOf(err) != fault.Protocol {
		t.Errorf("%s: %v is of kind %v", name, err, fault.KindOf(err))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s: %v looks like the end of a connection", name, err)
	}
}

// TestGoldenHostileFields looks at what hostile peers got through.
func TestGoldenHostileFields(t *testing.T) {
	if b := recorded(t, "hostile_block_nine_parents", 2).(*MsgBlock); len(b.Parents.Parents) != 9 || b.Parents.Size != 9 {
		t.Errorf("%d parents, size %d, want 9", len(b.Parents.Parents), b.Parents.Size)
	}
	if c := recorded(t, "hostile_cfcheckpt", 2).(*MsgCFCheckpt); len(c.FilterHeaders) != 0 {
		t.Errorf("%d filter headers, want none", len(c.FilterHeaders))
	}
	v := recorded(t, "hostile_version_short_80", 0).(*MsgVersion)
	if v.Nonce == 0 || v.UserAgent != "" || v.GenesisHash != counting(0) && v.GenesisHash[0] != 0 || v.LastBlock != 0 || v.DisableRelayTx {
		t.Errorf("a version cut after the nonce says %+v", v)
	}
	want := "bb51e578a60d040181342d53ed498994c5306edcfa24e3ff2ab9ac56647d5b3b"
	if h := recorded(t, "hostile_trailing_bytes", 2).(*MsgTx).TxHash(); h.String() != want {
		t.Errorf("transaction %s, want %s", h, want)
	}
}

// TestBrokenConnection ends the connection after every byte of a message: the errors
// are those of the connection, not about the message.
func TestBrokenConnection(t *testing.T) {
	whole := frameOf(t, txOf(t, 250, 1))
	for n := range whole {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		got, _, _, err := ReadMessageN(bytes.NewReader(whole[:n]), ProtocolVersion, SimNet)
		if err != want || got != n {
			t.Errorf("after %d bytes: %d read, error %v, want %v", n, got, err, want)
		}
	}
}
