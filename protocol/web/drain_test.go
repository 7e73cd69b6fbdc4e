package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// A counter notes which calls ran.
type counter struct {
	ran  sync.Map // of num1
	busy atomic.Int32
	much chan struct{} // closed when many have run
}

func (c *counter) Divide(_ context.Context, num1, _ int32) (float32, error) {
	c.ran.Store(num1, true)
	if c.busy.Add(1) == 640 {
		close(c.much)
	}
	return float32(num1), nil
}

// A caller makes a call, and reports how it ended.
type caller func(ctx context.Context, n int32) error

// Every call that ran while its server was shut down has its answer, and no failed one is said not to have run that
// did.
func TestRestartsLoseNoAnswers(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All { // one at a time, for each is a load, and answers have a second to be taken
		t.Run(n.Name, func(t *testing.T) { testRestartsLoseNoAnswers(t, n) })
	}
}

func testRestartsLoseNoAnswers(t *testing.T, n nettest.Network) {
	rounds := 10 // over each network
	if testing.Short() {
		rounds = 2
	}
	for _, test := range []struct {
		name    string
		callers func(t *testing.T, s *site) []caller
	}{
		{"client of Yodel", ownCallers},
		{"net/http, HTTP/1.1", func(t *testing.T, s *site) []caller {
			return foreignCallers(t, s, false)
		}},
		{"net/http, HTTP/2", func(t *testing.T, s *site) []caller { return foreignCallers(t, s, true) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var total outcomes
			for range rounds {
				total.add(restart(t, n, test.callers))
			}
			t.Logf("%d restarts: %+v", rounds, total)
			if total.lost > 0 || total.falselyNotStarted > 0 {
				t.Errorf("%d answers of calls that ran were lost, %d such calls said not to have started",
					total.lost, total.falselyNotStarted)
			}
		})
	}
}

type outcomes struct{ answered, notStarted, unknown, lost, falselyNotStarted int }

func (o *outcomes) add(p outcomes) {
	o.answered += p.answered
	o.notStarted += p.notStarted
	o.unknown += p.unknown
	o.lost += p.lost
	o.falselyNotStarted += p.falselyNotStarted
}

// restart shuts a server down under load, and returns what became of the calls.
func restart(t *testing.T, n nettest.Network, callersOf func(*testing.T, *site) []caller) outcomes {
	h := &counter{much: make(chan struct{})}
	s := serveServices(t, n, rpc.ServerLimits{}, divide.NewService(h))
	var all sync.WaitGroup
	var mu sync.Mutex
	var total outcomes
	for i, call := range callersOf(t, s) {
		all.Go(func() {
			for n := int32(i) << 20; ; n++ {
				err := call(t.Context(), n)
				_, ran := h.ran.Load(n)
				mu.Lock()
				e, _ := errors.AsType[*rpc.Error](err)
				switch {
				case err == nil:
					total.answered++
				case e != nil && e.Outcome == rpc.OutcomeNotStarted:
					total.notStarted++
					if ran {
						total.falselyNotStarted++
					}
				default:
					total.unknown++
				}
				if ran && err != nil {
					total.lost++
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	<-h.much
	s.listener.Close()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	s.Close()
	all.Wait()
	return total
}

// ownCallers returns callers with a connection of Yodel's client each, which redial where it has ended.
func ownCallers(t *testing.T, s *site) []caller {
	callers := make([]caller, 64)
	for i := range callers {
		c := s.dial(t, rpc.ConnOptions{})
		callers[i] = func(ctx context.Context, n int32) error {
			_, err := divide.NewClient(c).Divide(ctx, n)
			return err
		}
	}
	return callers
}

// foreignCallers returns callers that share a client of net/http.
func foreignCallers(t *testing.T, s *site, http2 bool) []caller {
	transport := s.transport(t)
	transport.MaxIdleConnsPerHost, transport.Protocols = 64, new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	transport.Protocols.SetHTTP1(!http2)
	client := &http.Client{Transport: transport}
	callers := make([]caller, 64)
	for i := range callers {
		callers[i] = func(ctx context.Context, n int32) error {
			body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, n)
			r, err := http.NewRequestWithContext(ctx, "POST", s.url, strings.NewReader(body))
			if err != nil {
				return err
			}
			response, err := client.Do(r)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			if response.StatusCode != 200 {
				return fmt.Errorf("status %s", response.Status)
			}
			_, err = io.ReadAll(response.Body)
			return err
		}
	}
	return callers
}
