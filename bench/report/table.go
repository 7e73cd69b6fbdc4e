package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/yodelrpc/yodel/bench/measure"
)

// A group is the results of one table: the same work under the same load.
type group struct {
	title   string
	idle    bool
	results []measure.Result
}

// Write writes the run as Markdown: a table for each work and load, then what failed.
func (r Run) Write(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s. Medians of %s.\n", r.Machine, count(r.Rounds, "round"))
	for _, g := range groups(Medians(r.Results)) {
		fmt.Fprintf(&text, "\n### %s\n\n", g.title)
		Table(&text, g.rows())
	}
	if len(r.Failed) > 0 {
		text.WriteString("\n### Not measured\n\n")
		Table(&text, failures(r.Failed))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Table writes rows, of which the first is the heading, as a Markdown table with its columns aligned.
func Table(text *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for i, row := range rows {
		line(text, row, widths)
		if i == 0 {
			rule(text, widths)
		}
	}
}

func line(text *strings.Builder, row []string, widths []int) {
	for i, cell := range row {
		fmt.Fprintf(text, "| %-*s ", widths[i], cell)
	}
	text.WriteString("|\n")
}

func rule(text *strings.Builder, widths []int) {
	for _, width := range widths {
		text.WriteString("|" + strings.Repeat("-", width+2))
	}
	text.WriteString("|\n")
}

func groups(results []measure.Result) []group {
	var all []group
	places := map[string]int{}
	for _, r := range results {
		title := title(r.Spec)
		i, ok := places[title]
		if !ok {
			i = len(all)
			places[title] = i
			all = append(all, group{title: title, idle: r.Work == "idle"})
		}
		all[i].results = append(all[i].results, r)
	}
	return all
}

func title(s measure.Spec) string {
	if s.Work == "idle" {
		return fmt.Sprintf("idle, %d connections", s.Callers)
	}
	loop := "closed loop"
	if s.Rate > 0 {
		loop = fmt.Sprintf("open loop, %.0f calls/s", s.Rate)
	}
	if s.Deadline > 0 {
		loop += fmt.Sprintf(", deadline %v", s.Deadline)
	}
	return fmt.Sprintf("%s, %s, %s, %s", s.Work, count(s.Callers, "caller"), count(s.Conns, "connection"), loop)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (g group) rows() [][]string {
	if g.idle {
		return g.idleRows()
	}
	rows := [][]string{{
		"system", "version", "calls/s", "CPU us/call", "client + server", "p50 us", "p99 us", "p99.9 us",
		"allocs/call", "writes/call", "switches/call", "RSS MB",
	}}
	for _, r := range g.results {
		rows = append(rows, []string{
			r.System, r.Version, number(r.PerSec), number(r.CPU()), pair(r.Client.CPU, r.Server.CPU),
			number(r.P50), number(r.P99), number(r.P999), pair(r.Client.Allocs, r.Server.Allocs),
			pair(r.Client.Writes, r.Server.Writes), pair(r.Client.Switches, r.Server.Switches),
			pair(r.Client.RSS/1e6, r.Server.RSS/1e6),
		})
	}
	return rows
}

func (g group) idleRows() [][]string {
	rows := [][]string{{"system", "version", "heap and stack a connection, KiB", "server's RSS, MB"}}
	for _, r := range g.results {
		rows = append(rows, []string{r.System, r.Version, number(r.IdleSize / 1024), number(r.Server.RSS / 1e6)})
	}
	return rows
}

func failures(failed []Failure) [][]string {
	rows := [][]string{{"system", "work", "reason"}}
	for _, f := range failed {
		reason := strings.Join(strings.Fields(f.Reason), " ")
		rows = append(rows, []string{f.Spec.System, title(f.Spec), strings.ReplaceAll(reason, "|", `\|`)})
	}
	return rows
}

func pair(client, server float64) string { return number(client) + " + " + number(server) }

// number writes three digits, or all of those before the point.
func number(x float64) string {
	switch abs := math.Abs(x); {
	case abs >= 100:
		return fmt.Sprintf("%.0f", x)
	case abs >= 10:
		return fmt.Sprintf("%.1f", x)
	case abs >= 0.005:
		return fmt.Sprintf("%.2f", x)
	default:
		return "0"
	}
}
