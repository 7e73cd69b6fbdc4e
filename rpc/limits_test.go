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
	if err := (rpc.Limits{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	for i := range reflect.TypeFor[rpc.Limits]().NumField() {
		var l rpc.Limits
		reflect.ValueOf(&l).Elem().Field(i).SetInt(-1)
		name := reflect.TypeFor[rpc.Limits]().Field(i).Name
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), "Limits."+name+" is -1") {
			t.Errorf("%s of -1: %v", name, err)
		}
		field := reflect.ValueOf(&l).Elem().Field(i)
		field.SetInt(1<<(field.Type().Bits()-1) - 1)
		if err := l.Validate(); field.Type().Bits() == 64 && (err == nil || !strings.Contains(err.Error(), "the most is")) {
			t.Errorf("%s of %v: %v", name, field, err)
		}
		field.SetInt(-1)
		if _, err := rpc.NewDispatcher(nil, nil, l, nil); err == nil {
			t.Errorf("a dispatcher takes a %s of -1", name)
		}
	}
}

func TestMessageDeadline(t *testing.T) {
	t.Parallel()
	l := rpc.Limits{}.WithDefaults()
	began := time.Now()
	for n, want := range map[int]time.Duration{0: 30 * time.Second, 16 << 10: 31 * time.Second, 4 << 20: 286 * time.Second} {
		if got := l.MessageDeadline(began, n).Sub(began); got != want {
			t.Errorf("after %d bytes: %v; want %v", n, got, want)
		}
	}
}
