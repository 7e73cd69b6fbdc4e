package yodel_test

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/secrets"
	"github.com/yodelrpc/yodel/internal/values"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A handlerFunc is a handler of divide.
type handlerFunc func() error

func (f handlerFunc) Divide(context.Context, int32, int32) (float32, error) { return 0, f() }

// carriers are the protocols whose errors have details.
var carriers = []string{"mux", "line", "http"}

// serveDivide serves divide until the end of the test.
func serveDivide(t *testing.T, f handlerFunc) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := yodel.NewServer(divide.NewService(f))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return ln.Addr().String()
}

// failing returns the error of a call over a protocol whose handler ends as f does.
func failing(t *testing.T, scheme string, f handlerFunc) error {
	t.Helper()
	_, err := dial(t, yodel.DialOptions{}, scheme+"://"+serveDivide(t, f)).Divide(t.Context(), 1)
	return err
}

func manyDetails(n, size int) *rpc.Error {
	e := rpc.NewError(rpc.ResourceExhausted, "none left")
	for range n {
		e = e.WithDetails(&divide.InvalidOperation{Message: strings.Repeat("x", size)})
	}
	return e
}

// What a handler adds to an error comes back as what it was, in the order it had, within the bounds.
func TestDetails(t *testing.T) {
	t.Parallel()
	order := values.Order{Note: "ä\n", Colors: []values.Color{values.ColorBlue},
		Payment: values.PaymentVoucher{Voucher: "v"}}
	for _, scheme := range append(carriers, "basic") {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			err := failing(t, scheme, func() error {
				return fmt.Errorf("wrapped: %w", rpc.NewError(rpc.ResourceExhausted, "none left").WithDetails(
					&divide.InvalidOperation{Message: "first"}, &order, divide.NewInvalidOperation()))
			})
			e, ok := err.(*rpc.Error)
			if !ok || e.Code != rpc.ResourceExhausted || e.Message != "none left" || e.Outcome != rpc.OutcomeAnswered {
				t.Fatal(err)
			}
			if scheme == "basic" {
				if len(e.Details) != 0 {
					t.Errorf("details %v", e.Details)
				}
				return
			}
			var got []string
			for x := range rpc.DetailsOf[divide.InvalidOperation](err) {
				got = append(got, x.Message)
			}
			if fmt.Sprint(got) != "[first invalid operation]" {
				t.Errorf("exceptions %q", got)
			}
			var gotOrder values.Order
			if !e.Detail(&gotOrder) || !reflect.DeepEqual(gotOrder, order) {
				t.Errorf("got %+v, want %+v", gotOrder, order)
			}
			if e.Detail(new(values.Card)) {
				t.Error("it has a card")
			}
			if err := e.Details[0].Decode(&gotOrder); err == nil ||
				err.Error() != "the detail is a divide.InvalidOperation and not a values.Order" {
				t.Error(err)
			}
		})
	}
}

// An error is passed on with details of types that the program in the middle does not know.
func TestDetailsPassedOn(t *testing.T) {
	t.Parallel()
	for _, first := range carriers {
		for _, second := range carriers {
			err := failing(t, second, func() error {
				return failing(t, first, func() error {
					return rpc.NewError(rpc.Aborted, "x").WithDetails(&values.Card{Number: "7"})
				})
			})
			var card values.Card
			if e, ok := err.(*rpc.Error); !ok || e.Code != rpc.Aborted || !e.Detail(&card) || card.Number != "7" {
				t.Errorf("%s, then %s: %v with %v", first, second, err, card)
			}
		}
	}
}

// What is over the bounds is left off, and the error stays.
func TestDetailsBounds(t *testing.T) {
	t.Parallel()
	for _, scheme := range carriers {
		for _, test := range []struct{ n, size, want int }{{16, 10, 16}, {17, 10, 16}, {3, 4000, 2}, {1, 8300, 0}} {
			err := failing(t, scheme, func() error { return manyDetails(test.n, test.size) })
			e, ok := err.(*rpc.Error)
			if !ok || e.Code != rpc.ResourceExhausted || len(e.Details) != test.want {
				t.Errorf("%s: of %d details of %d bytes: %v, %v", scheme, test.n, test.size, err, e.Details)
			}
		}
	}
}

// faultyDetail panics where it is written.
type faultyDetail struct{ values.Card }

func (f *faultyDetail) EncodeWire(*wire.Encoder) { panic("on purpose") }

func (f *faultyDetail) Record() *wire.Record { panic("on purpose") }

// A detail that panics costs its call alone.
func TestDetailsPanic(t *testing.T) {
	t.Parallel()
	for _, scheme := range carriers {
		faulty := true
		client := dial(t, yodel.DialOptions{}, scheme+"://"+serveDivide(t, func() error {
			if faulty {
				return rpc.NewError(rpc.Aborted, "x").WithDetails(new(faultyDetail))
			}
			return nil
		}))
		_, err := client.Divide(t.Context(), 1)
		if e, ok := err.(*rpc.Error); !ok || e.Code != rpc.Internal {
			t.Errorf("%s: %v", scheme, err)
		}
		faulty = false
		if _, err := client.Divide(t.Context(), 1); err != nil {
			t.Errorf("%s: the next call: %v", scheme, err)
		}
	}
}

// What is sensitive travels, and is shown to nobody.
func TestDetailsSensitive(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	sent := rpc.NewError(rpc.Aborted, "x").WithDetails(&secrets.Fields{Text: secret, Shown: "shown"})
	for _, scheme := range carriers {
		err := failing(t, scheme, func() error { return sent })
		var got secrets.Fields
		e, ok := err.(*rpc.Error)
		if !ok || !e.Detail(&got) || got.Text != secret {
			t.Fatalf("%s: %v", scheme, err)
		}
		for _, shown := range []any{sent, sent.Details, *sent, e, e.Details, *e} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
				if text := fmt.Sprintf(verb, shown); strings.Contains(text, secret) ||
					strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s of %T: %s", verb, shown, text)
				}
			}
		}
	}
	if text := sent.Details[0].String(); !strings.HasPrefix(text, "secrets.Fields{") ||
		!strings.Contains(text, "shown") {
		t.Error(text)
	}
}
