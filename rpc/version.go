package rpc

// IsVersion1 is referred to by generated code, so that code made by a newer tool for a runtime it does not fit fails to
// compile: `undefined: rpc.IsVersion2` means that the module needs a newer yodel.
const IsVersion1 = true
