# --- Protobuf's wire format, for the messages of the mux protocol ------------

_VARINT, _FIXED64, _BLOCK, _GROUP, _GROUP_END, _FIXED32 = range(6)
_WIRE_TYPES = {
    "bool": _VARINT, "int": _VARINT, "long": _VARINT, "uint": _VARINT,
    "ulong": _VARINT, "enum": _VARINT, "float": _FIXED32, "double": _FIXED64,
}
_WIRE_FLOATS = {"float": struct.Struct("<f"), "double": struct.Struct("<d")}
_MAX_NUMBER = 2**29 - 1


def _varint(number: int) -> bytes:
    number &= 2**64 - 1  # negative numbers take ten bytes
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _wire_fields(fields: Tuple[_Field, ...], plain: Dict[int, Any]) -> bytes:
    return b"".join(_wire_field(field.number, field.type, plain[field.number])
                    for field in fields if field.number in plain)


def _wire_field(number: int, type_: _Type, plain: Any) -> bytes:
    if type_.kind == "map":
        entries = (_wire_field(1, type_.key, key)
                   + _wire_field(2, type_.elem, plain[key])
                   for key in sorted(plain))
        return b"".join(_wire_block(number, entry) for entry in entries)
    if type_.kind != "list":
        return _wire_single(number, type_, plain)
    if type_.elem.kind not in _WIRE_TYPES:
        return b"".join(_wire_single(number, type_.elem, elem)
                        for elem in plain)
    packed = b"".join(_wire_scalar(type_.elem.kind, elem) for elem in plain)
    return _wire_block(number, packed) if packed else b""


def _wire_single(number: int, type_: _Type, plain: Any) -> bytes:
    kind = type_.kind
    if kind in _WIRE_TYPES:
        return (_varint(number << 3 | _WIRE_TYPES[kind])
                + _wire_scalar(kind, plain))
    if kind == "string":
        return _wire_block(number, plain.encode())
    if kind == "bytes":
        return _wire_block(number, plain)
    if kind == "timestamp":
        return _wire_block(number, _wire_span(*plain))
    if kind == "duration":
        seconds, nanos = divmod(abs(plain), 10**9)
        sign = -1 if plain < 0 else 1
        return _wire_block(number, _wire_span(sign * seconds, sign * nanos))
    return _wire_block(number, _wire_fields(type_.fields, plain))


def _wire_block(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BLOCK) + _varint(len(data)) + data


def _wire_scalar(kind: str, plain: Any) -> bytes:
    if kind in _WIRE_FLOATS:
        return _WIRE_FLOATS[kind].pack(plain)
    return _varint(int(plain))


def _wire_span(seconds: int, nanos: int) -> bytes:
    """Gives a Timestamp or a Duration, which have the same two fields."""
    out = b"\x08" + _varint(seconds) if seconds else b""
    return out + b"\x10" + _varint(nanos) if nanos else out


class _WireReader:
    """Reads plain values from bytes. Any error is a _BadMessage."""

    def __init__(self, data: Any, depth: int = 0) -> None:
        self.data = memoryview(data)
        self.at = 0
        self.depth = depth  # of the message that data is

    def more(self) -> bool:
        return self.at < len(self.data)

    def take(self, size: int) -> memoryview:
        left = len(self.data) - self.at
        if size > left:
            raise _BadMessage(f"a value of {size} bytes where {left} are left")
        self.at += size
        return self.data[self.at - size:self.at]

    def varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            number |= (byte & 127) << shift
            if byte < 128:
                break
        else:
            raise _BadMessage("a number of more than ten bytes")
        if number >= 2**64:
            raise _BadMessage("a number of more than 64 bits")
        return number

    def tag(self) -> Tuple[int, int]:
        number, wire_type = divmod(self.varint(), 8)
        if not 1 <= number <= _MAX_NUMBER:
            raise _BadMessage(f"a field with the number {number}")
        return number, wire_type

    def fields(self, fields: Tuple[_Field, ...],
               plain: Optional[Dict[int, Any]] = None,
               union: bool = False) -> Dict[int, Any]:
        """Reads a message on top of what an earlier part of it held."""
        by_number = {field.number: field for field in fields}
        plain = {} if plain is None else plain
        while self.more():
            number, wire_type = self.tag()
            if number not in by_number:
                self.skip(number, wire_type)
                continue
            if union and number not in plain:
                plain.clear()  # the last one holds
            field = by_number[number]
            try:
                plain[number] = self.field(field.type, wire_type,
                                           plain.get(number))
            except _BadMessage as err:
                raise err.in_field(field) from None
        return plain

    def field(self, type_: _Type, wire_type: int, before: Any) -> Any:
        if type_.kind == "list":
            elems = [] if before is None else before
            self.elements(elems, type_.elem, wire_type)
            return elems
        if type_.kind == "map":
            self.expect(wire_type, _BLOCK)
            entries = {} if before is None else before
            self.entry(entries, type_)
            return entries
        return self.single(type_, wire_type, before)

    def expect(self, wire_type: int, wanted: int) -> None:
        if wire_type != wanted:
            raise _BadMessage(f"wire type {wire_type}, not {wanted}; is it of "
                              "another type on the other side?")

    def elements(self, elems: List[Any], elem: _Type,
                 wire_type: int) -> None:
        if elem.kind not in _WIRE_TYPES or wire_type != _BLOCK:
            elems.append(self.single(elem, wire_type, None))
            return
        packed = _WireReader(self.block())
        while packed.more():
            elems.append(packed.scalar(elem.kind))

    def entry(self, entries: Dict[Any, Any], type_: _Type) -> None:
        pair = _WireReader(self.block(), self.depth).fields((
            _Field(1, "key", type_.key), _Field(2, "value", type_.elem)))
        key = pair.get(1, _ZEROS[type_.key.kind])
        entries[key] = pair.get(2, _ZEROS[type_.elem.kind])

    def single(self, type_: _Type, wire_type: int, before: Any) -> Any:
        kind = type_.kind
        self.expect(wire_type, _WIRE_TYPES.get(kind, _BLOCK))
        if kind in _WIRE_TYPES:
            return self.scalar(kind)
        block = self.block()
        if kind == "string":
            return _utf8(bytes(block), "a string")
        if kind == "bytes":
            return bytes(block)
        if self.depth >= _MAX_DEPTH:
            raise _BadMessage(f"nested deeper than {_MAX_DEPTH}")
        inner = _WireReader(block, self.depth + 1)
        if kind in ("timestamp", "duration"):
            return inner.span(kind)
        return inner.fields(type_.fields, before, kind == "union")

    def block(self) -> memoryview:
        return self.take(self.varint())

    def scalar(self, kind: str) -> Any:
        if kind in _WIRE_FLOATS:
            layout = _WIRE_FLOATS[kind]
            return layout.unpack(self.take(layout.size))[0]
        number = self.varint()
        if kind == "bool":
            return number != 0
        low, high = _RANGES[kind]
        number &= high - low  # its low 32 or 64 bits
        return number + 2 * low if number > high else number

    def span(self, kind: str) -> Any:
        parts = self.fields((_Field(1, "seconds", _LONG),
                             _Field(2, "nanos", _INT)))
        seconds, nanos = parts.get(1, 0), parts.get(2, 0)
        if kind == "timestamp":
            if not 0 <= nanos < 10**9:
                raise _BadMessage(f"a timestamp of {nanos} nanoseconds")
            return seconds, nanos
        total = seconds * 10**9 + nanos
        low, high = _RANGES[kind]
        if not low <= total <= high:
            raise _BadMessage("a duration of more than 292 years")
        return total

    def skip(self, number: int, wire_type: int) -> None:
        """Skips a value, or a group, an old form of nested messages."""
        groups = []
        while True:
            if wire_type == _GROUP:
                groups.append(number)
            elif wire_type == _GROUP_END:
                if not groups or groups.pop() != number:
                    raise _BadMessage("the end of a group that did not start")
            else:
                self.skip_value(wire_type)
            if not groups:
                return
            if self.depth + len(groups) > _MAX_DEPTH:
                raise _BadMessage(f"nested deeper than {_MAX_DEPTH}")
            number, wire_type = self.tag()

    def skip_value(self, wire_type: int) -> None:
        if wire_type == _VARINT:
            self.varint()
        elif wire_type == _BLOCK:
            self.block()
        elif wire_type in (_FIXED32, _FIXED64):
            self.take(4 if wire_type == _FIXED32 else 8)
        else:
            raise _BadMessage(f"wire type {wire_type}, which does not exist")
