package show

import (
	"strings"
	"unicode/utf8"
)

// Column is a column of a [Table].
type Column struct {
	Title string
	Right bool // align to the right, as numbers want
}

// Table is text in columns.
type Table struct {
	Columns []Column
	Rows    [][]string // each as long as Columns
	Total   []string   // a last row about all others, or nil
}

const gap = "  "

// Lines lays the table out in lines of at most width characters; 0 means that
// any length will do. If there are more than height lines, rows are left out
// in favor of a line that says how many; 0 means that any number will do. Totals
// are about all rows, and always there.
func (t *Table) Lines(width, height int) []string {
	rows := t.Rows
	fixed := 1
	if t.Total != nil {
		fixed++
	}
	left := 0
	if height > 0 && len(rows)+fixed > height {
		show := max(height-fixed-1, 0)
		left = len(rows) - show
		rows = rows[:show]
	}
	widths := t.widths(rows)
	lines := []string{t.line(t.titles(), widths, width)}
	for _, r := range rows {
		lines = append(lines, t.line(r, widths, width))
	}
	if left > 0 {
		lines = append(lines, cut("… and "+Count(float64(left))+" more", width))
	}
	if t.Total != nil {
		lines = append(lines, t.line(t.Total, widths, width))
	}
	return lines
}

func (t *Table) titles() []string {
	var titles []string
	for _, c := range t.Columns {
		titles = append(titles, c.Title)
	}
	return titles
}

// widths returns how wide each column must be.
func (t *Table) widths(rows [][]string) []int {
	widths := make([]int, len(t.Columns))
	fit := func(cells []string) {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	fit(t.titles())
	fit(t.Total)
	for _, r := range rows {
		fit(r)
	}
	return widths
}

// line writes one row.
func (t *Table) line(cells []string, widths []int, width int) string {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString(gap)
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
		if t.Columns[i].Right {
			b.WriteString(pad + c)
		} else {
			b.WriteString(c + pad)
		}
	}
	return cut(strings.TrimRight(b.String(), " "), width)
}

// cut shortens s to width characters.
func cut(s string, width int) string {
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
