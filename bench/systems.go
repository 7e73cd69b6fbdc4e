package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/bench/floor"
	"github.com/yodelrpc/yodel/bench/peers/arpc"
	"github.com/yodelrpc/yodel/bench/peers/connect"
	"github.com/yodelrpc/yodel/bench/peers/drpc"
	"github.com/yodelrpc/yodel/bench/peers/grpc"
	"github.com/yodelrpc/yodel/bench/peers/kitex"
	"github.com/yodelrpc/yodel/bench/peers/netrpc"
	"github.com/yodelrpc/yodel/bench/peers/rpcx"
	"github.com/yodelrpc/yodel/bench/peers/thrift"
	"github.com/yodelrpc/yodel/bench/peers/ttrpc"
	"github.com/yodelrpc/yodel/bench/system"
	"github.com/yodelrpc/yodel/bench/yodel"
)

// allSystems lists what can be compared, in the order of the tables.
func allSystems() []system.System {
	return []system.System{
		yodel.Mux(),
		yodel.Basic(),
		floor.Inline(),
		floor.Spawn(),
		floor.Plain(),
		arpc.System(),
		netrpc.System(),
		thrift.System(),
		kitex.Mux(),
		kitex.Pool(),
		ttrpc.System(),
		rpcx.System(),
		drpc.System(),
		grpc.System(),
		connect.System(),
	}
}

func findSystem(name string) (system.System, error) {
	all := allSystems()
	i := slices.IndexFunc(all, func(s system.System) bool { return s.Name == name })
	if i < 0 {
		return system.System{}, fmt.Errorf("no system %q; there are %s", name, strings.Join(systemNames(all), ", "))
	}
	return all[i], nil
}

func systemNames(all []system.System) []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return names
}
