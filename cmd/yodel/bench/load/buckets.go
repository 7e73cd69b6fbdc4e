package load

import "time"

// A Bucket is how many latencies lie in a range: From at least, and less than To.
type Bucket struct {
	From, To time.Duration
	Count    int64
}

// Buckets returns the latencies in ranges that end at 1, 2, 5, 10 and so on, from the first that has any to the last. A
// latency at such an end may count on either side of it, since all have three digits.
func (r *Result) Buckets() []Bucket {
	var buckets []Bucket
	b := Bucket{0, 1, 0}
	for _, bar := range r.Latency.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for bar.From >= int64(b.To) {
			if len(buckets) > 0 || b.Count > 0 {
				buckets = append(buckets, b)
			}
			b = Bucket{b.To, nextEnd(b.To), 0}
		}
		b.Count += bar.Count
	}
	if b.Count > 0 {
		buckets = append(buckets, b)
	}
	return buckets
}

// nextEnd returns what comes after end in 1, 2, 5, 10, 20.
func nextEnd(end time.Duration) time.Duration {
	power := time.Duration(1)
	for power <= end/10 {
		power *= 10
	}
	if end/power == 2 {
		return 5 * power
	}
	return 2 * end
}
