// Command compression judges when mux compresses: the messages of 8 callers a second over links of several speeds, made
// by a net.Conn that paces its writes, with the policy Auto and with each fixed choice, turn and turn about.
//
//	go run ./compression
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/s2"
	"github.com/yodelrpc/yodel/compress/zstd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := options{out: os.Stdout}
	flag.IntVar(&o.rounds, "rounds", 5,
		"how often each is measured; the best counts, for other work on the machine only slows")
	flag.StringVar(&o.link, "link", "", "only links with this in their names")
	flag.DurationVar(&o.warm, "warm", time.Second, "before each measurement")
	flag.DurationVar(&o.time, "time", time.Second, "of each measurement")
	flag.IntVar(&o.callers, "callers", 8, "that call at once")
	flag.IntVar(&o.size, "size", 32<<10, "bytes of a message")
	flag.Parse()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "compression:", err)
		os.Exit(1)
	}
}

type options struct {
	out           io.Writer
	rounds        int
	warm, time    time.Duration
	callers, size int
	link          string
}

// A choice is what messages are compressed with.
type choice struct {
	name    string
	options compress.Options
}

// choices are the fixed ones, and then Auto, which has the codecs of them.
func choices() []choice {
	return []choice{
		{"none", compress.Options{}},
		{"s2", compress.Options{Codecs: []compress.Codec{s2.Codec()}, Policy: compress.Always}},
		{"zstd", compress.Options{Codecs: []compress.Codec{zstd.Codec()}, Policy: compress.Always}},
		{"auto", compress.Options{Codecs: []compress.Codec{s2.Codec(), zstd.Codec()}}},
	}
}

// A link is a network of so many bytes a second; 0 is loopback as it is.
type link struct {
	name   string
	rate   float64
	longer time.Duration // how many times longer than others it is measured, for few messages pass
}

var links = []link{
	{"10 Mbit/s", 10e6 / 8, 4}, {"100 Mbit/s", 100e6 / 8, 1}, {"1 Gbit/s", 1e9 / 8, 1}, {"10 Gbit/s", 10e9 / 8, 1},
	{"loopback", 0, 1},
}

func (o options) run(ctx context.Context) error {
	all := choices()
	fmt.Fprint(o.out, "| link | data |")
	for _, c := range all {
		fmt.Fprintf(o.out, " %s |", c.name)
	}
	fmt.Fprint(o.out, " auto beside the best |\n|---|---|---|---|---|---|---|\n")
	for _, l := range links {
		if !strings.Contains(l.name, o.link) {
			continue
		}
		for _, d := range kinds {
			rates, err := o.measureAll(ctx, l, d, all)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", l.name, d.name, err)
			}
			fmt.Fprintf(o.out, "| %s | %s |", l.name, d.name)
			for _, r := range rates {
				fmt.Fprintf(o.out, " %.4g |", r/1e6)
			}
			best, auto := slices.Max(rates[:len(rates)-1]), rates[len(rates)-1]
			fmt.Fprintf(o.out, " %+.1f%% |\n", 100*(auto/best-1))
		}
	}
	return nil
}

// measureAll returns the bytes of messages a second with each choice.
func (o options) measureAll(ctx context.Context, l link, d kind, all []choice) ([]float64, error) {
	best := make([]float64, len(all))
	for range o.rounds {
		for i, c := range all {
			r, err := o.measure(ctx, l, d, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			best[i] = max(best[i], r)
		}
	}
	return best, nil
}

// measure makes calls over a connection of its own, and counts those that end within the time.
func (o options) measure(ctx context.Context, l link, d kind, c choice) (rate float64, err error) {
	p, err := connect(ctx, l.rate, c.options)
	if err != nil {
		return 0, err
	}
	defer func() { err = cmp.Or(err, p.close()) }()
	var (
		wg     sync.WaitGroup
		ended  atomic.Int64 // bytes
		over   atomic.Bool
		failed atomic.Pointer[error]
	)
	for i := range o.callers {
		wg.Go(func() {
			for k := i; !over.Load(); k += o.callers {
				m := d.message(k, o.size)
				if err := p.send(ctx, m); err != nil {
					failed.Store(&err)
					return
				}
				ended.Add(int64(len(m)))
			}
		})
	}
	time.Sleep(o.warm * l.longer)
	before, began := ended.Load(), time.Now()
	time.Sleep(o.time * l.longer)
	n, took := ended.Load()-before, time.Since(began)
	over.Store(true)
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(n) / took.Seconds(), nil
}
