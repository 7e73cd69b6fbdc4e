// Package schema is the checked meaning of a definition: plain data, with every name resolved and every default
// typed. Package check makes it from syntax; generators and package compat read it. Nobody changes it after that.
package schema

import "time"

// A File is one definition file. Declarations, methods and values of enums stand in the order of the text; fields,
// members and parameters in that of their numbers.
type File struct {
	Path       string // as it was given to the compiler: "calc/calc.yodel"
	Package    string // "calc", "acme.calc"; the file's base name where the text gives none
	Doc        string // the comment at the top of the file, set off by a blank line
	Imports    []*File
	Enums      []*Enum
	Structs    []*Struct
	Unions     []*Union
	Exceptions []*Exception
	Services   []*Service // the file's own service, of bare functions, is the last one
}

// An Enum is a set of named 32-bit numbers. Its first value is the zero value and has number 0.
type Enum struct {
	File     *File
	Name     string
	Doc      string
	Values   []EnumValue
	Reserved []int
}

// An EnumValue is one name of an enum.
type EnumValue struct {
	Name       string
	Number     int32
	Doc        string
	Deprecated string // the reason; empty for one that is not deprecated
}

// A Struct is a message with named, numbered fields.
type Struct struct {
	File     *File
	Name     string
	Doc      string
	Fields   []*Field // by number
	Reserved []int
}

// A Union is a message of which at most one member is set. Members are fields without defaults, never optional.
type Union struct {
	File     *File
	Name     string
	Doc      string
	Members  []*Field
	Reserved []int
}

// An Exception is a struct that a method may answer with instead of a result.
type Exception struct {
	File     *File
	Name     string
	Doc      string
	Code     string // one of Codes; DefaultCode where the text gives none
	Fields   []*Field
	Reserved []int
	Implied  bool // declared by a method's mention alone: its one field is 1: string message
}

// DefaultCode is the code of an exception without @code: the call was understood and refused.
const DefaultCode = "failed_precondition"

// A Field is a field of a struct or exception, a member of a union, or a parameter of a method.
type Field struct {
	Number     int // 1 to MaxNumber
	Name       string
	Doc        string
	Type       *Type
	Default    *Value // nil where the text gives none
	Required   bool   // a parameter that a call must carry: not optional, no default, not a list, a map or a stream
	Deprecated string // the reason; empty for one that is not deprecated
	Sensitive  bool   // shown as *** in logs and the console

	Constraints *Constraints // what its values keep to; nil where there is nothing to
}

// MaxNumber is the largest number of a field; MaxBasicNumber the largest that the basic protocol carries.
const (
	MaxNumber      = 1<<29 - 1
	MaxBasicNumber = 255
)

// A Service is a set of methods.
type Service struct {
	File    *File
	Name    string // "Calculator"; for the file's own service the file's name: divide.yodel gives "Divide"
	Doc     string
	Own     bool // the service of the functions outside any service
	Methods []*Method
}

// A Method is one remote function.
type Method struct {
	Service      *Service
	Name         string // as declared: "divide"
	Doc          string
	Params       []*Field // by number, except that a stream stands last
	StreamParam  *Field   // the parameter declared as stream, which also stands last in Params; nil for none
	Result       *Type    // nil for void; for a stream, the type of its elements
	StreamResult bool
	Exceptions   []*Exception // in the order of declaration, which numbers them in protocols
	Idempotent   bool
	Timeout      time.Duration // 0 for none
	Deprecated   string        // the reason; empty for one that is not deprecated
}

// A Kind tells types apart.
type Kind int

// The kinds, in the order in which the language reference lists them.
const (
	Bool       Kind = iota + 1
	Int             // 32 bits, signed
	Long            // 64 bits, signed
	Uint            // 32 bits
	Ulong           // 64 bits
	Float           // 32 bits
	Double          // 64 bits
	String          // UTF-8
	Bytes           //
	Timestamp       // a point in time, to the nanosecond
	Duration        // a span of time, to the nanosecond
	List            // Elem
	Map             // Key, Elem
	EnumType        // Enum
	StructType      // Struct
	UnionType       // Union
)

// A Type is the type of a field, a result or an element.
type Type struct {
	Kind     Kind
	Optional bool    // T?; never on lists, maps, elements or union members
	Key      *Type   // of a map: Bool, Int, Long, Uint, Ulong or String
	Elem     *Type   // of a list or a map: never a list or a map itself
	Enum     *Enum   // one of these three where Kind says so
	Struct   *Struct //
	Union    *Union  //
}

// A Value is a default, or a bound of a constraint. The member that the field's Kind names is set.
type Value struct {
	Bool     bool
	Int      int64  // Int, Long
	Uint     uint64 // Uint, Ulong
	Float    float64
	String   string
	Bytes    []byte
	Time     time.Time // UTC
	Duration time.Duration
	Enum     *EnumValue
}

// Codes are the names of the codes that @code takes, gRPC's sixteen, at the index that is their number less one.
var Codes = [...]string{
	"canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists",
	"permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented",
	"internal", "unavailable", "data_loss", "unauthenticated",
}
