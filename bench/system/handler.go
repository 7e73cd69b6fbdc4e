package system

import "time"

// Plain is the handler that costs next to nothing.
type Plain struct{}

// Divide returns num1 / num2.
func (Plain) Divide(num1, num2 int32) float32 { return float32(num1) / float32(num2) }

// Echo returns payload.
func (Plain) Echo(payload []byte) []byte { return payload }

// Slow is the first argument of a call to Bimodal that sleeps.
const Slow = -1

// Bimodal is a handler of which most calls are busy for a microsecond and some sleep for five milliseconds: it shows
// whether a slow call holds back fast ones.
type Bimodal struct{ Plain }

// Divide sleeps if num1 is Slow and is busy otherwise.
func (Bimodal) Divide(num1, num2 int32) float32 {
	if num1 == Slow {
		time.Sleep(5 * time.Millisecond)
		return 0
	}
	for start := time.Now(); time.Since(start) < time.Microsecond; {
	}
	return float32(num1) / float32(num2)
}
