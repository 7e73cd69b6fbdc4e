package transport

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collect runs the garbage collector, and the finalizers of what it finds. They run one after another.
func collect() {
	for range 2 {
		ran := make(chan struct{})
		runtime.SetFinalizer(new([32]byte), func(*[32]byte) { close(ran) })
		runtime.GC()
		<-ran
	}
}
