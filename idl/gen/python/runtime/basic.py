# --- The basic protocol: declared lengths, big-endian ------------------------

_FIXED = {
    "bool": struct.Struct(">B"), "int": struct.Struct(">i"),
    "long": struct.Struct(">q"), "uint": struct.Struct(">I"),
    "ulong": struct.Struct(">Q"), "float": struct.Struct(">f"),
    "double": struct.Struct(">d"), "enum": struct.Struct(">i"),
    "timestamp": struct.Struct(">qI"), "duration": struct.Struct(">q"),
}
_LENGTH = struct.Struct(">I")
_REFUSED = " (not started)"  # behind a code: the server will not run the call


def _basic_block(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _basic_value(type_: _Type, plain: Any) -> bytes:
    kind = type_.kind
    if kind == "timestamp":
        return _FIXED[kind].pack(*plain)
    if kind in _FIXED:
        return _FIXED[kind].pack(plain)
    if kind == "string":
        return _basic_block(plain.encode())
    if kind == "bytes":
        return _basic_block(plain)
    if type_.elem is None:
        return _basic_block(_basic_fields(type_.fields, plain))
    if type_.key is None:
        elems = [_basic_value(type_.elem, elem) for elem in plain]
    else:
        elems = [_basic_value(type_.key, key)
                 + _basic_value(type_.elem, plain[key])
                 for key in sorted(plain)]
    return _basic_block(b"".join(elems))


def _basic_fields(fields: Tuple[_Field, ...], plain: Dict[int, Any]) -> bytes:
    out = b""
    for field in fields:
        if field.number in plain:
            if field.number > 255:
                raise ValueError(f"{field.name} has number {field.number}; the"
                                 " basic protocol carries 255 at the most")
            out += bytes((field.number,))
            out += _basic_value(field.type, plain[field.number])
    return out


class _BasicReader:
    """Reads plain values from bytes. Any error is a _BadMessage."""

    def __init__(self, data: Any, depth: int = 0) -> None:
        self.data = memoryview(data)
        self.at = 0
        self.depth = depth

    def more(self) -> bool:
        return self.at < len(self.data)

    def take(self, size: int) -> memoryview:
        left = len(self.data) - self.at
        if size > left:
            raise _BadMessage(f"a value of {size} bytes where {left} are left")
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, layout: struct.Struct) -> Tuple[Any, ...]:
        return layout.unpack(self.take(layout.size))

    def block(self) -> memoryview:
        return self.take(self.unpack(_LENGTH)[0])

    def value(self, type_: _Type) -> Any:
        kind = type_.kind
        if kind in _FIXED:
            return self.fixed(kind)
        if kind == "string":
            return _utf8(bytes(self.block()), "a string")
        if kind == "bytes":
            return bytes(self.block())
        inner = _BasicReader(self.block(), self.depth)
        if kind == "list":
            return list(inner.elements(type_.elem))
        if kind == "map":
            return _unique(list(inner.entries(type_.key, type_.elem)))
        return inner.message(type_)

    def fixed(self, kind: str) -> Any:
        values = self.unpack(_FIXED[kind])
        if kind == "timestamp":
            if values[1] >= 10**9:
                raise _BadMessage(f"a timestamp of {values[1]} nanoseconds")
            return values
        if kind == "bool":
            if values[0] > 1:
                raise _BadMessage(f"a bool of {values[0]}")
            return values[0] == 1
        return values[0]

    def elements(self, elem: Any) -> Iterator[Any]:
        while self.more():
            yield self.value(elem)

    def entries(self, key: Any, elem: Any) -> Iterator[Tuple[Any, Any]]:
        while self.more():
            yield self.value(key), self.value(elem)

    def message(self, type_: _Type) -> Dict[int, Any]:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _BadMessage(f"nested deeper than {_MAX_DEPTH}")
        plain = self.fields(type_.fields)
        if type_.kind == "union" and len(plain) > 1:
            raise _BadMessage(f"a union with {len(plain)} members")
        return plain

    def fields(self, fields: Tuple[_Field, ...]) -> Dict[int, Any]:
        by_number = {field.number: field for field in fields}
        plain: Dict[int, Any] = {}
        while self.more():
            number = self.take(1)[0]
            if number not in by_number:
                raise _BadMessage(f"unknown number {number}")
            if number in plain:
                raise _BadMessage(f"repeated number {number}")
            try:
                plain[number] = self.value(by_number[number].type)
            except _BadMessage as err:
                raise err.in_field(by_number[number]) from None
        return plain


def _unique(pairs: List[Tuple[Any, Any]]) -> Dict[Any, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise _BadMessage("a map has a key twice")
    return entries


def _utf8(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _BadMessage(f"{what} is not UTF-8") from None


class _Basic:
    """The client's and the server's side of the basic protocol."""

    @staticmethod
    def request(method: _Method, plain: Dict[int, Any]) -> bytes:
        fields = _basic_fields(method.params.fields, plain)
        return _basic_block(method.wire_name.encode()) + _basic_block(fields)

    @staticmethod
    def receive(stream: _Stream, method: _Method) -> Tuple[int, Any]:
        """Reads the answer to a call; see _lift_outcome."""
        status = stream.read(1)[0]
        if status == 255:
            text = _utf8(_Basic._block(stream), "the error")
            return 255, _Basic._system_error(text)
        if status == 1:
            return 1, _Basic._result(stream, method)
        if not 2 <= status < 2 + len(method.exceptions):
            raise _BadMessage(f"an answer with status {status}")
        return status, _Basic._exception(stream,
                                         method.exceptions[status - 2])

    @staticmethod
    def _block(stream: _Stream) -> bytes:
        size = _LENGTH.unpack(stream.read(4))[0]
        if size > stream.limit:
            raise _TooLarge("an answer", size, stream.limit)
        return stream.read(size)

    @staticmethod
    def _result(stream: _Stream, method: _Method) -> Any:
        if method.result is None:
            return None
        if method.optional and not _BasicReader(stream.read(1)).fixed("bool"):
            return None
        if method.result.kind in _FIXED:
            data = stream.read(_FIXED[method.result.kind].size)
        else:
            data = _basic_block(_Basic._block(stream))
        return _BasicReader(data).value(method.result)

    @staticmethod
    def _exception(stream: _Stream, declared: _Exception) -> Dict[int, Any]:
        text = _utf8(_Basic._block(stream), "the message")
        plain: Dict[int, Any] = {}
        if declared.others:
            plain = _BasicReader(_Basic._block(stream)).fields(declared.others)
        if declared.message:
            plain[declared.message.number] = text
        return plain

    @staticmethod
    def _system_error(text: str) -> RpcError:
        code, separator, message = text.partition(": ")
        outcome = "answered"
        if code.endswith(_REFUSED):
            code, outcome = code[:-len(_REFUSED)], "not started"
        if separator and code in _CODES:
            return RpcError(code, message, outcome)
        return RpcError("unknown", text)

    @staticmethod
    def read_request(stream: _Stream) -> Any:
        name = _Basic._request_block(stream, _MAX_NAME, "a method name")
        data = _Basic._request_block(stream, stream.limit, "arguments")
        return name, data

    @staticmethod
    def _request_block(stream: _Stream, limit: int, what: str) -> bytes:
        size = _LENGTH.unpack(stream.read(4))[0]
        if size > limit:
            raise _TooLarge(what, size, limit)
        return stream.read(size)

    @staticmethod
    def answer(server: Server, request: Tuple[bytes, bytes],
               call: ServerCall) -> bytes:
        bound = server._find(request[0].decode(errors="backslashreplace"))
        plain = _BasicReader(request[1]).fields(bound.method.params.fields)
        status, result = bound.run(plain, call)
        out = bytes((status,))
        if status >= 2:
            return out + _Basic._failure(bound.method.exceptions[status - 2],
                                         result)
        if bound.method.optional:
            out += b"\0" if result is None else b"\1"
        if bound.method.result and result is not None:
            out += _basic_value(bound.method.result, result)
        return out

    @staticmethod
    def _failure(declared: _Exception, plain: Dict[int, Any]) -> bytes:
        out = _basic_block(_message_of(declared, plain).encode())
        if declared.others:
            out += _basic_block(_basic_fields(declared.others, plain))
        return out

    @staticmethod
    def error(err: RpcError, refused: bool = False) -> bytes:
        """Gives an error's answer; refused marks that no handler ran."""
        code = err.code
        if code not in _CODES:  # it could look like the mark
            code = f"unknown: {code}"
        text = f"{code}{_REFUSED if refused else ''}: {err.message}"
        return b"\xff" + _basic_block(text.encode(errors="backslashreplace"))


def _message_of(declared: _Exception, plain: Dict[int, Any]) -> str:
    field = declared.message
    if field is None:
        return declared.text
    return str(plain.get(field.number, field.default))
