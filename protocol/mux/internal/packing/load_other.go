//go:build !unix

package packing

import "time"

// processorTime is not known here: the load is none, and so the cost of compressing as it is.
func processorTime() time.Duration { return 0 }
