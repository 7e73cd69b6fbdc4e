package yodel

import "sync/atomic"

// A retry costs what ten calls earn, and a full budget pays for a thousand. So once these are spent, retries stay below
// a tenth of the calls, and a server in trouble is not sent twice the load.
const (
	retryCost  = 10
	fullBudget = 1000 * retryCost
)

// A budget is a token bucket filled by calls in place of time. It begins full.
type budget struct{ spent atomic.Int64 } // what is missing from a full one

// earn counts a call. While the bucket is full, which is nearly always, this is one load.
func (b *budget) earn() {
	if b.spent.Load() > 0 {
		b.spent.Add(-1)
	}
}

// spend takes the cost of one retry, or returns false.
func (b *budget) spend() bool {
	if b.spent.Add(retryCost) <= fullBudget {
		return true
	}
	b.spent.Add(-retryCost)
	return false
}
