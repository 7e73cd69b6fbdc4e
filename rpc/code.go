package rpc

import (
	"fmt"
	"slices"
)

// A Code says what kind of error an [Error] is. The codes and their numbers are gRPC's.
type Code uint8

// The codes.
const (
	Canceled           Code = iota + 1 // the caller gave up
	Unknown                            // an error without a code of its own, such as a plain Go error of a handler
	InvalidArgument                    // the arguments are wrong whatever the state of the server
	DeadlineExceeded                   // the time was over before the answer
	NotFound                           // what was asked for does not exist
	AlreadyExists                      // what was to be made exists
	PermissionDenied                   // the caller may not do this
	ResourceExhausted                  // a limit or quota is used up
	FailedPrecondition                 // the system is not in the state that the call needs
	Aborted                            // the call lost against another; try again from the start
	OutOfRange                         // past the end of what is valid
	Unimplemented                      // the server has no such method, or the protocol cannot carry it
	Internal                           // a bug: a panic, an answer that cannot be read
	Unavailable                        // the server cannot be reached or takes no calls now
	DataLoss                           // data is lost for good
	Unauthenticated                    // the caller has not said who it is
)

var codeNames = [...]string{
	"ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists",
	"permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented",
	"internal", "unavailable", "data_loss", "unauthenticated",
}

// String returns the code's name: "invalid_argument".
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Known returns c, or Unknown if c is none of the codes, as a number that comes from a peer may be.
func (c Code) Known() Code {
	if c == 0 || int(c) >= len(codeNames) {
		return Unknown
	}
	return c
}

// ParseCode returns the code with the given name, or Unknown and false.
func ParseCode(name string) (Code, bool) {
	if i := slices.Index(codeNames[:], name); i > 0 {
		return Code(i), true
	}
	return Unknown, false
}
