package rpc_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// No limit may be negative or as large as its type, those to come included.
func TestBadLimitIsNamed(t *testing.T) {
	t.Parallel()
	if err := (rpc.ServerLimits{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[rpc.ServerLimits]()) {
		if f.Anonymous {
			continue
		}
		var l rpc.ServerLimits
		field := reflect.ValueOf(&l).Elem().FieldByIndex(f.Index)
		field.SetInt(-1)
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), "Limits."+f.Name+" is -1") {
			t.Errorf("%s of -1: %v", f.Name, err)
		}
		field.SetInt(1<<(field.Type().Bits()-1) - 1)
		if err := l.Validate(); field.Type().Bits() == 64 &&
			(err == nil || !strings.Contains(err.Error(), "the most is")) {
			t.Errorf("%s of %v: %v", f.Name, field, err)
		}
		field.SetInt(-1)
		if _, err := rpc.NewDispatcher(nil, rpc.DispatcherOptions{Limits: l}); err == nil {
			t.Errorf("a dispatcher takes a %s of -1", f.Name)
		}
	}
}

// Windows that are too small for streams to get on are refused, and not made larger in silence.
func TestLeastWindows(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{0: true, 1: false, 32<<10 - 1: false, 32 << 10: true} {
		for name, l := range map[string]rpc.Limits{"Stream": {Stream: n}, "Streams": {Streams: n}} {
			err := l.Validate()
			if (err == nil) != ok || err != nil && (!strings.Contains(err.Error(), "Limits."+name+" is ") ||
				!strings.Contains(err.Error(), "the least is 32768")) {
				t.Errorf("%s of %d: %v", name, n, err)
			}
		}
	}
}

func TestMessageDeadline(t *testing.T) {
	t.Parallel()
	l := rpc.Limits{}.WithDefaults()
	began := time.Now()
	for n, want := range map[int]time.Duration{0: 30 * time.Second, 16 << 10: 31 * time.Second,
		4 << 20: 286 * time.Second} {
		if got := l.MessageDeadline(began, n).Sub(began); got != want {
			t.Errorf("after %d bytes: %v; want %v", n, got, want)
		}
	}
}
