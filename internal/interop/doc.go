// Package interop holds tests that let the languages call each other: clients and servers in Python against those in
// Go, with every type and over every protocol that both speak, and the byte vectors of protocol/basic and protocol/line
// against the server in Go.
package interop

//go:generate go run ../../cmd/yodel gen -o every/ ../../protocol/basic/testdata/every.yodel
