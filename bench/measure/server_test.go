package measure_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/yodelrpc/yodel/bench/floor"
	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/system"
)

func TestServerTellsItsAddressAnswersCallsAndTellsItsUsage(t *testing.T) {
	t.Parallel()
	questions, ask := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- measure.RunServer(floor.Inline(), system.Plain{}, questions, out) }()
	decoder := json.NewDecoder(answers)
	var addr string
	if err := decoder.Decode(&addr); err != nil {
		t.Fatal(err)
	}
	c, err := floor.Inline().Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.Divide(t.Context(), 9, 3); got != 3 || err != nil {
		t.Errorf("9 / 3 = %v, %v", got, err)
	}
	var last measure.Usage
	for _, question := range []string{"usage", "collected"} {
		fmt.Fprintln(ask, question)
		var u measure.Usage
		if err := decoder.Decode(&u); err != nil {
			t.Fatal(err)
		}
		if u.CPU <= 0 || u.Heap == 0 || u.Stack == 0 || u.CPU < last.CPU || u.Mallocs < last.Mallocs {
			t.Errorf("%s: %+v after %+v", question, u, last)
		}
		last = u
	}
	ask.Close()
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

func TestFindWork(t *testing.T) {
	t.Parallel()
	for _, w := range measure.Works() {
		if found, err := measure.FindWork(w.Name); err != nil || found != w {
			t.Errorf("FindWork(%q) = %v, %v", w.Name, found, err)
		}
	}
	if _, err := measure.FindWork("nothing"); err == nil {
		t.Error("a work that does not exist was found")
	}
}
