package bench

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
)

// A progress is the line that says how far a run is; nil where nobody looks.
type progress struct {
	out    io.Writer
	last   int64 // calls at the time of the line before
	shown  time.Time
	length int
}

// newProgress returns a progress to w, if that is a terminal.
func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return &progress{out: w, shown: time.Now()}
}

func (p *progress) print(r *load.Result) {
	if p == nil {
		return
	}
	now := time.Now()
	calls := r.Calls()
	line := "warming up"
	if r.Elapsed > 0 {
		line = fmt.Sprintf("%v  %.0f calls/s  p99 %v  %d errors", r.Elapsed.Round(time.Second),
			float64(calls-p.last)/now.Sub(p.shown).Seconds(), short(r.Latency.ValueAtPercentile(99)), r.Failed())
	}
	fmt.Fprintf(p.out, "\r%-*s", p.length, line)
	p.last, p.shown, p.length = calls, now, len(line)
}

// end clears the line.
func (p *progress) end() {
	if p != nil {
		fmt.Fprintf(p.out, "\r%*s\r", p.length, "")
	}
}
