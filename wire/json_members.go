package wire

// EachJSONMember reads data, which is one JSON object, and calls member for each of its members, in order, with the
// name and with the value as it stands there. Both lie in data or are valid up to the next call. An error of member
// ends the reading and is returned; those of the text are of type [*JSONError]. Nothing is kept, and a member that is
// refused costs no more than the text before it.
func EachJSONMember(data []byte, member func(name, value []byte) error) error {
	// A value may hold a message of any depth that its reader takes: MaxDepth below it, each in a list or a map.
	s := jsonScanner{data: data, depth: -MaxDepth - 2}
	if s.peek() != '{' {
		return s.unexpected("an object")
	}
	err := s.object(func(name []byte) error {
		s.peek()
		start := s.pos
		s.scratch = nil // name may lie there, and the value may hold another string with escapes
		if err := s.skip(); err != nil {
			return err
		}
		return member(name, data[start:s.pos])
	})
	if err != nil {
		return err
	}
	return s.end()
}
