// Package protobufdiff holds Yodel's formats against protobuf's own implementation of the same ones,
// google.golang.org/protobuf, which reads and writes the messages of internal/everything by the descriptors that
// idl/gen/protobuf exports. It has tests alone. Random messages must come through both with the same meaning; of random
// bytes and random JSON both must read the same, or nothing.
//
// These are the differences on purpose. On the wire Yodel also refuses
//
//   - messages more than 100 deep in one another (the other one: 10,000),
//   - a known field of another wire type, which the other one takes for an unknown field,
//   - a string that is not UTF-8 (the other one checks that in proto3, but not in proto2),
//   - a duration beyond 292 years, which is all that time.Duration holds,
//   - a timestamp outside the years 1 to 9999,
//   - arguments that lack a required one,
//   - lists and maps that take more than 32 MiB and 16 times the size of the message in memory.
//
// Where a timestamp or duration is there twice, the last one counts, while the other one merges both: a field with a
// default could not tell its default from what came before. No writer makes that.
//
// In JSON it also refuses
//
//   - values more than 100 deep in one another,
//   - a number that ends behind the e of an exponent, such as 1e,
//   - a name that an enum does not have (the other one skips it together with unknown fields),
//   - a timestamp that is not exactly RFC 3339, such as one with a comma or with one digit for the hour,
//   - a duration beyond 292 years, or one without a digit, such as ".s",
//   - arguments that lack a required one,
//   - lists and maps as large as on the wire.
//
// An empty union and the timestamp 0001-01-01T00:00:00Z are as good as absent. A time or duration whose nanoseconds are
// out of range is normalized.
package protobufdiff
