package yodel

import "github.com/yodelrpc/yodel/bench/system"

// Mux is Yodel with its mux protocol, the default of its clients.
func Mux() system.System { return over("mux", "the mux protocol, one connection") }
