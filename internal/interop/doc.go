// Package interop holds tests that let the languages call each other: clients and servers in Python against those in
// Go, with every type and over every protocol that both speak, and the byte vectors of protocol/basic and protocol/line
// against the server in Go.
//
// The bytes of the vectors go over every network; programs in Python over TCP and TLS, which are those that it knows.
package interop

//go:generate go run ../../cmd/yodel gen -o every/ ../../protocol/basic/testdata/every.yodel
//go:generate go run ../../cmd/yodel gen -o feeds/ feeds/feeds.yodel
