// Package web carries calls over HTTP: a POST whose body is the JSON object of the line protocol or a message of the
// basic protocol, answered by the same. A GET of / is answered by a page that says which methods there are and how to
// call them. PROTOCOL.md has the details.
//
// [Dial] makes a client's connection, [NewServer] what serves connections.
package web
