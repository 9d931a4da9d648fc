package factom

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parley/dialect"
	"parley/fault"
)

// TestConfig names the field that is out of range.
func TestConfig(t *testing.T) {
	if d := mustNew(t, Config{}); d.Name() != "factom" || d.cfg.NodeID != 0x38bab145 || d.cfg.Version != V11 || d.cfg.MaxParcel != 16<<20 {
		t.Errorf("defaults %+v of %s", d.cfg, d.Name())
	}
	for field, cfg := range map[string]Config{
		"Version":             {Version: 12},
		"MinVersion":          {Version: 9, MinVersion: 10},
		"MaxParcel":           {MaxParcel: 128<<20 + 1},
		"MaxHandshake":        {MaxHandshake: -1},
		"Ping":                {Ping: time.Millisecond},
		"ReadDeadline":        {ReadDeadline: -1},
		"PeerRequestInterval": {PeerRequestInterval: -time.Hour},
		"ShareTimeout":        {ShareTimeout: 1},
		"ShareAmount":         {ShareAmount: -1},
		"SharesLimit":         {SharesLimit: 1 << 20},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), field+" ") {
			t.Errorf("%+v gives %v, want an error about %s", cfg, err, field)
		}
	}
}

// TestOwnMistakes refuses to send what would end the link, and leaves what was
// encoded before.
func TestOwnMistakes(t *testing.T) {
	huge := make([]byte, maxParcel-slack+1)
	for _, v := range []uint16{V9, V10, V11} {
		l, _ := links(t, v)
		for _, m := range []dialect.Message{{Type: TypeMessage}, {Type: types, Body: []byte("x")}, {Type: TypeMessage, Body: huge}} {
			out, err := l.Encoder.Append([]byte("before"), m)
			if !errors.Is(err, fault.Local) || string(out) != "before" {
				t.Errorf("V%d: type %d with %d bytes gives %q and %v", v, m.Type, len(m.Body), out, err)
			}
			out, _, err = l.Encoder.(dialect.Framer).Frame([]byte("before"), m)
			if !errors.Is(err, fault.Local) || string(out) != "before" {
				t.Errorf("V%d: framing type %d with %d bytes gives %q and %v", v, m.Type, len(m.Body), out, err)
			}
		}
	}
}
