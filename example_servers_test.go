package yodel_test

import (
	"context"
	"fmt"
	"log"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// A listResolver tells of each list of servers that comes.
type listResolver <-chan []resolve.Server

func (r listResolver) Resolve(ctx context.Context, update func([]resolve.Server)) error {
	for {
		select {
		case servers := <-r:
			update(servers)
		case <-ctx.Done():
			return nil
		}
	}
}

// The host of the target is a name for the service; the resolver says where it is.
func ExampleDialOptions_resolver() {
	address, stop := serveDivider()
	defer stop()
	lists := make(chan []resolve.Server, 1)
	o := yodel.DialOptions{Resolver: listResolver(lists)}
	ch, err := o.Dial("mux://calc.example.org:8000")
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	lists <- []resolve.Server{{Address: address}}
	fmt.Println(divide.NewClient(ch).Divide(context.Background(), 200, divide.Num2(100)))
	// Output: 2 <nil>
}

// leastInFlight picks the link with the fewest attempts under way, the first of several, and prints how it went.
type leastInFlight struct{}

func (leastInFlight) Picker(links []balance.Link, _ balance.Picker) balance.Picker {
	return leastPicker(links)
}

type leastPicker []balance.Link

var _ balance.Learner = leastPicker(nil)

func (p leastPicker) Pick(*rpc.Call, balance.Link) int {
	best := 0
	for i, l := range p {
		if l.InFlight() < p[best].InFlight() {
			best = i
		}
	}
	return best
}

func (p leastPicker) Done(c *rpc.Call, i int, r balance.Report) {
	fmt.Printf("%s, attempt %d, on link %d: %v\n", c.Method.Name, c.Attempt, i, r.Err)
}

func ExampleDialOptions_balancer() {
	left, stop := serveDivider()
	defer stop()
	right, stopRight := serveDivider()
	defer stopRight()
	ch, err := yodel.DialOptions{
		Resolver: resolve.Static(resolve.Server{Address: left}, resolve.Server{Address: right}),
		Balancer: leastInFlight{},
	}.Dial("mux://calc.example.org:8000")
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	fmt.Println(divide.NewClient(ch).Divide(context.Background(), 200, divide.Num2(100)))
	// Output:
	// divide, attempt 1, on link 0: <nil>
	// 2 <nil>
}
