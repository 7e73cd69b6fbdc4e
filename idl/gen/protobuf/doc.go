// Package protobuf writes a definition as a .proto file, and as the descriptors that a compiler would make of it. The
// messages are the same on the wire and in JSON, and the services are those that Yodel's servers offer to gRPC and
// Connect.
//
// # What becomes what
//
//	calc/calc.yodel           calc/calc.proto, in the same package
//	struct, exception         message of that name
//	union                     message with one oneof, called member
//	enum Rounding             message Rounding { enum Enum { ... } }
//	service Calculator        service Calculator
//	method divide             rpc divide(CalculatorDivideRequest) returns (CalculatorDivideResponse)
//	parameters                fields of the request; of a stream, each element is a request with its field
//	result                    field result = 1 of the response; no field for void
//	timestamp, duration       google.protobuf.Timestamp, google.protobuf.Duration
//	@idempotent, @deprecated  idempotency_level = IDEMPOTENT, deprecated = true
//
// Exceptions, timeouts, codes and whatever else protobuf has no words for become comments.
//
// Protobuf wants the names of enum values to be unique in the whole package, and JSON uses these names, so they can
// take no prefix. Each enum therefore stands in a message of its own; compilers make Rounding.HALF_EVEN or
// Rounding_HALF_EVEN of that. A value named reserved or option, which would begin something else there, gets an
// underscore at the end.
//
// # proto3 and proto2
//
// A file is proto3 if it declares no default other than zero, nor imports a file that does. There, T? and required
// parameters are optional, so that a zero is sent.
//
// Else the file is proto2, which alone has defaults. Edition 2023 has them too and would be more exact, but protoc
// knows it from version 27 on, while distributions ship 3.21, and many generators and reflection clients do not know it
// yet. What proto2 loses: some languages read an unknown number of an enum as the default, and some do not check that a
// string is UTF-8. A file that gets its first default changes from proto3 to proto2. That changes nothing on the wire,
// but the code that some compilers generate.
//
// Defaults of timestamps and durations, which are messages to protobuf, are comments: whoever reads an absent one has
// to fill them in. Required parameters are optional fields in either syntax; a call that lacks one is answered with
// INVALID_ARGUMENT.
package protobuf
