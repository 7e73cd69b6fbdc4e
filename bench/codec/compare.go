package codec

import (
	"fmt"
	"slices"
	"time"

	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/target"
)

// subject is the codec of this repository.
const subject = "yodel"

// goal says how many times as fast as the other codec the subject has to be.
func goal(codec, message string) float64 {
	const par = 0.95 // a twentieth slower is noise
	if codec == "protobuf" && message != "blob" {
		return 3
	}
	return par // a blob is one copy in any codec
}

// Compare times all cases turn and turn about and judges, for each message and direction, the median over the rounds.
func Compare(rounds int, each time.Duration) ([]target.Verdict, error) {
	times, err := timeAll(rounds, each)
	if err != nil {
		return nil, err
	}
	var verdicts []target.Verdict
	for _, direction := range []string{"marshal", "unmarshal", "unmarshal again"} {
		for _, message := range messageNames() {
			for _, other := range []string{"protobuf", "vtprotobuf"} {
				verdicts = append(verdicts, times.judge(direction, message, other))
			}
		}
	}
	return verdicts, nil
}

func messageNames() []string {
	var names []string
	for _, c := range Cases() {
		if !slices.Contains(names, c.Message) {
			names = append(names, c.Message)
		}
	}
	return names
}

// A key is one thing that is timed.
type key struct{ direction, message, codec string }

// durations are nanoseconds a call, one for each round.
type durations map[key][]float64

func timeAll(rounds int, each time.Duration) (durations, error) {
	all := durations{}
	cases := Cases()
	for range rounds {
		for _, c := range cases {
			for direction, work := range c.directions() {
				k := key{direction, c.Message, c.Codec}
				ns, err := timeOne(work, each)
				if err != nil {
					return nil, fmt.Errorf("%s %s with %s: %w", direction, c.Message, c.Codec, err)
				}
				all[k] = append(all[k], ns)
			}
		}
	}
	return all, nil
}

func (c Case) directions() map[string]func() error {
	return map[string]func() error{"marshal": c.MarshalOnce, "unmarshal": c.Unmarshal, "unmarshal again": c.Again}
}

// timeOne repeats work for about d and returns the nanoseconds of CPU that one run of it takes, with the garbage
// collector's share. Unlike time on the clock they do not depend on what else the machine does.
func timeOne(work func() error, d time.Duration) (float64, error) {
	for n := 1; ; n *= 2 {
		start := measure.CPU()
		for range n {
			if err := work(); err != nil {
				return 0, err
			}
		}
		if took := measure.CPU() - start; took >= d/2 {
			return float64(took) / float64(n), nil
		}
	}
}

func (d durations) judge(direction, message, codec string) target.Verdict {
	v := target.Verdict{
		Text:    fmt.Sprintf("%s %s: how many times as fast as %s", direction, message, codec),
		Limit:   goal(codec, message),
		AtLeast: true,
	}
	ours, ok := d.median(key{direction, message, subject})
	if !ok {
		v.Missing = fmt.Errorf("%s was not measured", subject)
		return v
	}
	theirs, _ := d.median(key{direction, message, codec})
	v.Figure = target.Figure{Value: theirs / ours, From: fmt.Sprintf("%.4g ns against %.4g ns", ours, theirs)}
	return v
}

func (d durations) median(k key) (float64, bool) {
	all := slices.Sorted(slices.Values(d[k]))
	if len(all) == 0 {
		return 0, false
	}
	return all[len(all)/2], true
}
