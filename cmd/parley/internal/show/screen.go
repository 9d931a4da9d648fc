package show

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Control sequences of ECMA-48, which every terminal of today understands.
const (
	clearDown  = "\x1b[J"
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	bold       = "\x1b[1m"
	plain      = "\x1b[0m"
)

// Screen prints lines and, on a terminal, keeps a picture below them that is
// redrawn in place. It is safe for concurrent use.
type Screen struct {
	// Immutable.
	w     io.Writer
	fd    int  // of the terminal, if live
	live  bool // pictures can be drawn
	color bool
	start time.Time

	mu    sync.Mutex // guards the rest, and writing to w
	drawn []string   // the picture that is on the terminal
}

// NewScreen returns a screen on w, without pictures if they are not wanted or w
// is no terminal or one that can not move its cursor. The environment's
// NO_COLOR turns off colors and boldness.
func NewScreen(w io.Writer, start time.Time, pictures bool) *Screen {
	s := &Screen{w: w, start: start, color: os.Getenv("NO_COLOR") == ""}
	if !pictures {
		return s
	}
	f, ok := w.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s.fd, s.live = int(f.Fd()), true
	}
	return s
}

// Live reports whether pictures can be drawn.
func (s *Screen) Live() bool { return s.live }

// Tell prints a line with the time since the start, above the picture.
func (s *Screen) Tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("[%7.2fs] %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
	io.WriteString(s.w, s.erase()+line+s.paint(s.drawn))
}

// Draw replaces the picture by what lines returns for the terminal's present
// size. The first line is a title.
func (s *Screen) Draw(lines func(width, height int) []string) {
	if !s.live {
		return
	}
	width, height, err := term.GetSize(s.fd)
	if err != nil || width <= 0 || height <= 1 {
		width, height = 80, 24
	}
	next := lines(width-1, height-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.erase()
	if s.drawn == nil {
		out = hideCursor
	}
	s.drawn = next
	io.WriteString(s.w, out+s.paint(next))
}

// Close leaves the last picture where it is and gives the cursor back. Tell may
// be called afterwards.
func (s *Screen) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drawn != nil {
		io.WriteString(s.w, showCursor)
	}
	s.drawn = nil
}

// erase moves the cursor to where the picture starts and clears what follows.
func (s *Screen) erase() string {
	if len(s.drawn) == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r", len(s.drawn)) + clearDown
}

func (s *Screen) paint(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		if i == 0 && s.color {
			l = bold + l + plain
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}
