// Package values_test sends what Go can hold through every protocol: it travels, or the side that sends it fails with
// an error that names its place.
package values_test

import (
	"context"
	"errors"
	"math"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/values"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

var protocols = []string{"mux", "basic", "line", "http"}

type (
	embedsMember struct{ values.PaymentVoucher }
	embedsUnion  struct{ values.Payment }
)

const (
	nilCard   = "a nil *values.PaymentCard is no Payment; for none of its members leave the Payment itself nil"
	embedding = "a values_test.embedsMember is no member of Payment"
	notUTF8   = "the string is not valid UTF-8; declare it as bytes"
	year0     = "the year 0 is outside 1 to 9999"
)

var (
	voucher = values.PaymentVoucher{Voucher: "v"}
	card    = values.PaymentCard{Card: values.Card{Number: "4711"}}
	early   = time.Time{}.Add(-1)
)

// orders are what is sent. Where fails is empty they arrive as want, which is the same as send if it is absent.
var orders = map[string]struct {
	send, want values.Order
	fails      string
}{
	"pointer": {values.Order{Payment: &card}, values.Order{Payment: card}, ""},
	"pointer to a zero": {values.Order{Payment: &values.PaymentCard{}}, values.Order{Payment: values.PaymentCard{}},
		""},
	"pointer in a list": {
		values.Order{Payments: []values.Payment{voucher, &voucher}},
		values.Order{Payments: []values.Payment{voucher, voucher}}, "",
	},
	"pointer in a map": {
		values.Order{ByName: map[string]values.Payment{"a": &card}},
		values.Order{ByName: map[string]values.Payment{"a": card}}, "",
	},
	"pointer in an optional": {values.Order{Maybe: &voucher}, values.Order{Maybe: voucher}, ""},
	"pointer in a member": {
		values.Order{Payment: &values.PaymentOther{Other: &voucher}},
		values.Order{Payment: values.PaymentOther{Other: voucher}}, "",
	},
	"pointer in a pointer": {
		values.Order{Inner: &values.Order{Payment: &voucher}}, values.Order{Inner: &values.Order{Payment: voucher}}, "",
	},
	"pointer to a time": {
		values.Order{Payment: &values.PaymentDue{Due: time.Unix(1, 0).UTC()}},
		values.Order{Payment: values.PaymentDue{Due: time.Unix(1, 0).UTC()}}, "",
	},
	"pointer to an enum": {
		values.Order{Payment: &values.PaymentColor{Color: values.ColorBlue}},
		values.Order{Payment: values.PaymentColor{Color: values.ColorBlue}}, "",
	},
	"nil pointer": {send: values.Order{Payment: (*values.PaymentCard)(nil)}, fails: "payment: " + nilCard},
	"nil pointer in a list": {send: values.Order{Payments: []values.Payment{card, (*values.PaymentCard)(nil)}},
		fails: "payments[1]: " + nilCard},
	"nil pointer in a map": {
		send:  values.Order{ByName: map[string]values.Payment{"a": (*values.PaymentCard)(nil)}},
		fails: `by_name["a"]: ` + nilCard,
	},
	"nil pointer in an optional": {send: values.Order{Maybe: (*values.PaymentCard)(nil)}, fails: "maybe: " + nilCard},
	"nil pointer in a member": {
		send:  values.Order{Payment: values.PaymentOther{Other: (*values.PaymentCard)(nil)}},
		fails: "payment.other: " + nilCard,
	},
	"embedded member": {send: values.Order{Payment: embedsMember{voucher}}, fails: "payment: " + embedding},
	"pointer to embedded member": {send: values.Order{Payment: &embedsMember{voucher}},
		fails: "payment: a *values_test.embedsMember is no member of Payment"},
	"embedded union": {send: values.Order{Payment: embedsUnion{voucher}},
		fails: "payment: a values_test.embedsUnion is no member of Payment"},
	"no member in a list":        {send: values.Order{Payments: []values.Payment{nil, card}}},
	"no member in a map":         {send: values.Order{ByName: map[string]values.Payment{"": nil}}},
	"no member in a member":      {send: values.Order{Payment: values.PaymentOther{}}},
	"enum without a name":        {send: values.Order{Color: 99, Colors: []values.Color{-1, math.MaxInt32}}},
	"not a number":               {send: values.Order{Price: math.Inf(-1)}},
	"empty bytes that are there": {send: values.Order{Blob: new([]byte{})}},
	"nil bytes that are there":   {values.Order{Blob: new([]byte(nil))}, values.Order{Blob: new([]byte{})}, ""},
	"string":                     {send: values.Order{Note: "a\xff"}, fails: "note: " + notUTF8},
	"key": {send: values.Order{Labels: map[string]string{"\xff": ""}},
		fails: `labels["\xff"]: ` + notUTF8},
	"value": {send: values.Order{Labels: map[string]string{"a": "\xff"}},
		fails: `labels["a"]: ` + notUTF8},
	"string of a member": {send: values.Order{Payment: &values.PaymentVoucher{Voucher: "\xff"}},
		fails: "payment.voucher: " + notUTF8},
	"first year": {send: values.Order{Placed: time.Time{}.Add(1)}},
	"last year":  {send: values.Order{Placed: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)}},
	"year 0":     {send: values.Order{Placed: early}, fails: "placed: " + year0},
	"year 10000": {send: values.Order{Times: []time.Time{time.Unix(253402300800, 0)}},
		fails: "times[0]: the year 10000 is outside 1 to 9999"},
	"the last time of all": {send: values.Order{Placed: time.Unix(math.MaxInt64, 0)}, fails: "placed: the year "},
	"year 0 of a member": {send: values.Order{Payment: values.PaymentDue{Due: early}},
		fails: "payment.due: " + year0},
}

type handlers struct{}

func (handlers) Pay(_ context.Context, payment values.Payment, _ []values.Payment, _ map[int32]values.Payment,
	_ values.Payment) (
	values.Payment, error,
) {
	return payment, nil
}

// Echo returns an order of the test where the note says so, or an exception with its payment and its time.
func (handlers) Echo(_ context.Context, order values.Order) (values.Order, error) {
	if name, ok := strings.CutPrefix(order.Note, "send "); ok {
		return orders[name].send, nil
	}
	if name, ok := strings.CutPrefix(order.Note, "throw "); ok {
		return values.Order{}, &values.Refused{Payment: orders[name].send.Payment, Since: orders[name].send.Placed}
	}
	return order, nil
}

// clients returns a client of each protocol to one server.
func clients(t *testing.T) map[string]*values.ValuesClient {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := yodel.NewServer(values.NewValuesService(handlers{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	all := make(map[string]*values.ValuesClient)
	for _, protocol := range protocols {
		ch, err := yodel.Dial(protocol + "://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ch.Close() })
		all[protocol] = values.NewValuesClient(ch)
	}
	return all
}

func TestWhateverCompilesTravels(t *testing.T) {
	t.Parallel()
	for protocol, c := range clients(t) {
		for name, tt := range orders {
			want := tt.want
			if reflect.DeepEqual(want, values.Order{}) {
				want = tt.send
			}
			t.Run(protocol+"/"+name, func(t *testing.T) {
				got, err := c.Echo(t.Context(), tt.send)
				check(t, got, want, err, tt.fails, rpc.InvalidArgument, rpc.OutcomeNotStarted, "order.")
				got, err = c.Echo(t.Context(), values.Order{Note: "send " + name})
				check(t, got, want, err, tt.fails, rpc.Internal, rpc.OutcomeAnswered, "result.")
				_, err = c.Echo(t.Context(), values.Order{Note: "throw " + name})
				checkException(t, err, want, tt.fails)
			})
		}
	}
}

func check(t *testing.T, got, want values.Order, err error, fails string, code rpc.Code, outcome rpc.Outcome,
	where string) {
	t.Helper()
	if fails == "" {
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%sgot %s, %v; want %s", where, wire.String(&got), err, wire.String(&want))
		}
		return
	}
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != code || e.Outcome != outcome || !strings.Contains(e.Message, ": "+where+fails) {
		t.Errorf("error is %v\nwant %v, %v, %s%s", err, code, outcome, where, fails)
	}
}

func checkException(t *testing.T, err error, want values.Order, fails string) {
	t.Helper()
	if e, ok := errors.AsType[*values.Refused](err); ok {
		if !reflect.DeepEqual(e.Payment, want.Payment) || !e.Since.Equal(want.Placed) {
			t.Errorf("exception is %s", wire.String(e))
		}
		return
	}
	fails = strings.Replace(fails, "placed: ", "since: ", 1)
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Internal || fails == "" ||
		!strings.Contains(e.Message, ": "+fails) {
		t.Errorf("error is %v, want an exception, or %q", err, fails)
	}
}

// TestMembersInEveryParameter sends pointers to members, good and nil, in each kind of parameter.
func TestMembersInEveryParameter(t *testing.T) {
	t.Parallel()
	for protocol, c := range clients(t) {
		t.Run(protocol, func(t *testing.T) {
			more, byNumber := []values.Payment{&voucher, nil}, map[int32]values.Payment{7: &card}
			got, err := c.Pay(t.Context(), &card, more, byNumber, values.Maybe(&voucher))
			if err != nil || !reflect.DeepEqual(got, card) {
				t.Errorf("got %v, %v", got, err)
			}
			if got, err := c.Pay(t.Context(), nil, nil, nil); got != nil || err != nil {
				t.Errorf("no payment came back as %v, %v", got, err)
			}
			var none *values.PaymentCard
			for want, call := range map[string]func() (values.Payment, error){
				"payment": func() (values.Payment, error) { return c.Pay(t.Context(), none, nil, nil) },
				"more[0]": func() (values.Payment, error) {
					return c.Pay(t.Context(), card, []values.Payment{none}, nil)
				},
				`by_number["3"]`: func() (values.Payment, error) {
					return c.Pay(t.Context(), card, nil, map[int32]values.Payment{3: none})
				},
				"maybe": func() (values.Payment, error) {
					return c.Pay(t.Context(), card, nil, nil, values.Maybe(none))
				},
			} {
				_, err := call()
				e, ok := errors.AsType[*rpc.Error](err)
				if !ok || e.Code != rpc.InvalidArgument || e.Outcome != rpc.OutcomeNotStarted ||
					!strings.Contains(e.Message, ": "+want+": "+nilCard) {
					t.Errorf("%s: error is %v", want, err)
				}
			}
		})
	}
}
