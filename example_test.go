package yodel_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/rpc"
)

// divider answers the calls of examples/divide/divide.yodel.
type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// serveDivider serves at a free port until stop is called.
func serveDivider() (address string, stop func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := yodel.NewServer(divide.NewService(divider{}))
	go srv.Serve(context.Background(), ln)
	return ln.Addr().String(), func() { srv.Close() }
}

func Example() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := yodel.NewServer(divide.NewService(divider{}))
	go srv.Serve(context.Background(), ln)
	defer srv.Close()

	ch, err := yodel.Dial(ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	calc := divide.NewClient(ch)
	ctx := context.Background()

	fmt.Println(calc.Divide(ctx, 200))                   // num2 has the default 1
	fmt.Println(calc.Divide(ctx, 200, divide.Num2(100))) // an option is named after its parameter

	_, err = calc.Divide(ctx, 1, divide.Num2(0))
	if invalid, ok := errors.AsType[*divide.InvalidOperation](err); ok {
		fmt.Println("InvalidOperation:", invalid.Message)
	}
	// Output:
	// 200 <nil>
	// 2 <nil>
	// InvalidOperation: invalid operation
}

func ExampleDial() {
	address, stop := serveDivider()
	defer stop()
	for _, scheme := range []string{"mux", "basic", "line", "http"} {
		ch, err := yodel.Dial(scheme + "://" + address)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(divide.NewClient(ch).Divide(context.Background(), 3, divide.Num2(2)))
		ch.Close()
	}
	// Output:
	// 1.5 <nil>
	// 1.5 <nil>
	// 1.5 <nil>
	// 1.5 <nil>
}

func ExampleDialOptions_Dial() {
	ch, err := yodel.DialOptions{Timeout: time.Second, Conns: 2}.Dial("127.0.0.1:1") // where nobody listens
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	_, err = divide.NewClient(ch).Divide(context.Background(), 1)
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		fmt.Println(e.Code, "and", e.Outcome)
	}
	// Output: unavailable and not started
}

func ExampleChannel_Close() {
	ch, err := yodel.Dial("127.0.0.1:1")
	if err != nil {
		log.Fatal(err)
	}
	ch.Close()
	_, err = divide.NewClient(ch).Divide(context.Background(), 1)
	fmt.Println(err)
	// Output: divide.Divide/divide: failed_precondition: the channel is closed (not started)
}

func ExampleServer_ListenAndServe() {
	ctx, stop := context.WithTimeout(context.Background(), time.Millisecond) // a program uses signal.NotifyContext
	defer stop()
	srv := yodel.NewServer(divide.NewService(divider{}))
	if err := srv.ListenAndServe(ctx, "127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("every call has been answered")
	// Output: every call has been answered
}

func ExampleServerOptions_NewServer() {
	logCalls := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			err := next(ctx, c)
			fmt.Println(c.Method.FullName(), "over", rpc.Info(ctx).Protocol, "returned", err)
			return err
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := yodel.ServerOptions{
		Mode:         yodel.Serial,
		Interceptors: []rpc.Interceptor{logCalls},
		Limits:       rpc.ServerLimits{Limits: rpc.Limits{Message: 1 << 20}},
	}.NewServer(divide.NewService(divider{}))
	go srv.Serve(context.Background(), ln)
	defer srv.Close()

	ch, err := yodel.Dial("line://" + ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	divide.NewClient(ch).Divide(context.Background(), 1, divide.Num2(0))
	// Output: divide.Divide/divide over line returned invalid operation
}

func ExampleServer_Shutdown() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := yodel.NewServer(divide.NewService(divider{}))
	served := make(chan error)
	go func() { served <- srv.Serve(context.Background(), ln) }()

	ch, err := yodel.Dial(ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(divide.NewClient(ch).Divide(ctx, 200))
	fmt.Println(srv.Shutdown(ctx), <-served)
	// Output:
	// 200 <nil>
	// <nil> <nil>
}

// Calls to a server in the same process, which need no address and no network.
func ExampleServer_Channel() {
	srv := yodel.NewServer(divide.NewService(divider{}))
	defer srv.Close()
	ch := srv.Channel()
	defer ch.Close()

	fmt.Println(divide.NewClient(ch).Divide(context.Background(), 200, divide.Num2(100)))
	// Output: 2 <nil>
}
