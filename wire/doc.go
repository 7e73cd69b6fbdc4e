// Package wire turns messages into bytes and back, in protobuf's wire format and in its JSON. What the compiler
// generates calls it; programs seldom do.
//
// [Marshal] and [Unmarshal] do a message at a time, [MarshalJSON] and [UnmarshalJSON] the same as text, and [String]
// shows a message to people; [Get] and [All] read fields by their names. Whoever has many messages, as a connection
// does, keeps an [Encoder] and a [Decoder]: they append to a buffer and read from one, and allocate nothing of their
// own but the places where strings and bytes lie.
// [TypeOf] describes a message to formats that have no generated code.
//
// The bytes are those of protobuf for the messages that the compiler exports: see
// https://protobuf.dev/programming-guides/encoding/. Fields are written in ascending order of number and read in any;
// lists of numbers are packed, and read packed or not; numbers that nobody knows are skipped. These are errors: a known
// field of another type, a string that is not UTF-8, messages more than [MaxDepth] deep in one another, and lists and
// maps that take more than 32 MiB and 16 times the size of the payload in memory. A declared length costs nothing
// before its bytes are there.
//
// Encoders, decoders and messages are for one goroutine at a time. Types are shared by all.
package wire
