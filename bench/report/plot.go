package report

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/yodelrpc/yodel/bench/measure"
)

// A chart is one value of each system in one group, as bars.
type chart struct {
	name  string
	label string
	value func(measure.Result) float64
}

func charts() []chart {
	return []chart{
		{"cpu", "CPU us a call, both sides", measure.Result.CPU},
		{"calls", "calls a second", func(r measure.Result) float64 { return r.PerSec }},
		{"p99", "p99 in us", func(r measure.Result) float64 { return r.P99 }},
	}
}

func idleCharts() []chart {
	size := func(r measure.Result) float64 { return r.IdleSize / 1024 }
	return []chart{{"size", "heap and stack a connection, KiB", size}}
}

// Plot draws the run's medians into folder: bar charts of each table's systems, as SVG and PNG.
func Plot(run Run, folder string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, g := range groups(Medians(run.Results)) {
		list := charts()
		if g.idle {
			list = idleCharts()
		}
		for _, c := range list {
			if err := c.draw(g, folder); err != nil {
				return fmt.Errorf("draw %s of %s: %w", c.name, g.title, err)
			}
		}
	}
	return nil
}

func (c chart) draw(g group, folder string) error {
	values := make(plotter.Values, len(g.results))
	names := make([]string, len(g.results))
	// The first row of the table comes out on top.
	for i, r := range g.results {
		at := len(g.results) - 1 - i
		values[at], names[at] = c.value(r), r.System
	}
	bars, err := plotter.NewBarChart(values, vg.Points(12))
	if err != nil {
		return err
	}
	bars.Horizontal = true
	bars.Color = color.RGBA{R: 0x2f, G: 0x6d, B: 0xb5, A: 0xff}
	bars.LineStyle.Width = 0
	labels, err := valueLabels(values)
	if err != nil {
		return err
	}
	p := plot.New()
	p.Title.Text = g.title
	p.X.Label.Text = c.label
	p.Title.Padding = vg.Points(8)
	p.Add(bars, labels)
	p.NominalY(names...)
	p.X.Min = 0
	p.X.Max *= 1.15 // room for the labels
	p.Y.Max += 0.3
	return saveBoth(p, filepath.Join(folder, fileName(g.title)+"-"+c.name), len(names))
}

func valueLabels(values plotter.Values) (*plotter.Labels, error) {
	points := make(plotter.XYs, len(values))
	texts := make([]string, len(values))
	for i, v := range values {
		points[i] = plotter.XY{X: v, Y: float64(i)}
		texts[i] = " " + number(v)
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: texts})
	if err != nil {
		return nil, err
	}
	labels.Offset.Y = vg.Points(-4)
	return labels, nil
}

// margin is the space around a plot.
const margin = 10

func saveBoth(p *plot.Plot, path string, rows int) error {
	width, height := 7*vg.Inch, vg.Points(float64(90+20*rows))
	for _, format := range []string{"svg", "png"} {
		canvas, err := draw.NewFormattedCanvas(width, height, format)
		if err != nil {
			return err
		}
		p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
		if err := saveCanvas(canvas, path+"."+format); err != nil {
			return err
		}
	}
	return nil
}

func saveCanvas(canvas vg.CanvasWriterTo, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(f)
	return errors.Join(err, f.Close())
}

// fileName keeps a title's letters and digits and joins them with dashes.
func fileName(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}
