// Package transport is the two halves of a mux connection, which both sides have. An [Input] reads frames, and the
// messages that arrive in pieces are [Assemblies]; an [Output] writes frames, those of many goroutines at once, and
// large messages by reference. A [Conn] is the net.Conn under both. The package knows frames and no calls: what a frame
// means is for package mux.
package transport
