package peer

import "testing"

// What is kept of buffers is bounded, whatever was sent.
func TestSparesAreFew(t *testing.T) {
	for k := range 4 * maxUsual {
		c := &chunk{b: make([]byte, 0, (k%4+1)*chunkSize/2)}
		if k%8 < 4 {
			c.notes = make([]note, 0, 1000)
		}
		c.free()
	}
	spares.mu.Lock()
	defer spares.mu.Unlock()
	if n := len(spares.usual); n == 0 || n > maxUsual {
		t.Errorf("%d chunks are kept, want some and %d at most", n, maxUsual)
	}
	for _, c := range spares.usual {
		if cap(c.b) > usualSize || cap(c.notes) > usualNote || len(c.b)+len(c.notes) > 0 {
			t.Errorf("a chunk with room for %d bytes and %d notes is kept", cap(c.b), cap(c.notes))
		}
	}
	if maxUsual*usualSize > 4<<20 {
		t.Error("the buffers that are kept may have more than 4 MiB")
	}
}
