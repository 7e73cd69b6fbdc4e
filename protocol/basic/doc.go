// Package basic is the protocol that anybody can write in an afternoon: a request is a method's name and its arguments,
// each with its length in front, and answers come in the order of the requests. PROTOCOL.md has the bytes.
//
// [Dial] makes a client's connection, [NewServer] the other side. Many calls share a connection: requests are sent
// without waiting for the answers of earlier ones. The protocol carries no streams, no metadata and no deadlines: a
// caller whose time is over leaves, and the server finishes a call that nobody waits for. The server runs the calls of
// a connection one after another, so a slow one delays those behind it.
package basic
