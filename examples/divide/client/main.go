// Command client calls divide seven times and prints one result a line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8000", "`[SCHEME://]HOST:PORT` of the server: mux, basic, line or http")
	flag.Parse()
	ch, err := yodel.Dial(*address)
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	ctx, client := context.Background(), divide.NewClient(ch)
	for num1 := int32(0); num1 <= 400; num1 += 100 {
		show(client.Divide(ctx, num1, divide.Num2(10)))
	}
	show(client.Divide(ctx, 100)) // num2 is 1 by default
	show(client.Divide(ctx, 1, divide.Num2(0)))
}

func show(result float32, err error) {
	if invalid, ok := errors.AsType[*divide.InvalidOperation](err); ok {
		fmt.Println("InvalidOperation:", invalid.Message)
	} else if err != nil {
		log.Fatal(err)
	} else {
		fmt.Println(result)
	}
}
