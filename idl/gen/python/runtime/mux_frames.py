# --- The mux protocol: frames, and what stands in them -----------------------
#
# The section numbers are those of the protocol's page, PROTOCOL.md.

_MAGIC = b"\xd7YDL"
_PREFACE = _MAGIC + b"\1\0\0\0"
_HEADER = struct.Struct("<IBBHI")  # length, type, flags, method, id
_MAX_BODY = 65524

(_SETTINGS, _CALL, _RESULT, _EXCEPTION, _ERROR, _CANCEL, _MORE, _PING, _PONG,
 _GOAWAY, _ITEM, _END, _CREDIT) = range(1, 14)

_NAME, _DEADLINE, _METADATA, _PIECES, _NOT_STARTED = 1, 2, 4, 8, 16
_STREAM, _DETAILS = 64, 128
_REST, _CONNECTION = 1, 1  # of ITEM, and of CREDIT
_FLAGS = {  # that a frame of the type may have; the others have none
    _CALL: _NAME | _DEADLINE | _METADATA | _PIECES | _STREAM,
    _RESULT: _METADATA | _PIECES, _EXCEPTION: _METADATA | _PIECES,
    _ERROR: _METADATA | _NOT_STARTED | _DETAILS,
    _ITEM: _PIECES | _REST, _CREDIT: _CONNECTION,
}

(_SET_MESSAGE, _SET_CALLS, _SET_METADATA, _SET_NAME, _SET_METHODS,
 _SET_DETAILS, _SET_STREAM, _SET_STREAMS) = range(1, 9)
_SETTINGS_BY_DEFAULT = {_SET_MESSAGE: 4 << 20, _SET_CALLS: 128,
                        _SET_METADATA: 8192, _SET_NAME: 256,
                        _SET_METHODS: 4096, _SET_DETAILS: 0,
                        _SET_STREAM: 0, _SET_STREAMS: 0}
_LEAST_WINDOW = 32768  # bytes of a stream, for a side that speaks streams
_MAX_NUMBERS = 65536  # slots, and methods
_MAX_PREFIX = 32768  # bytes of metadata, so that a message has room behind
_MAX_TEXT = 16384  # bytes of an error's text
_MAX_PONGS = 1000
_MAX_ANSWERS = 4 << 20  # bytes of answers that wait for the other side
_MAX_BEGUN = 8  # messages' bytes that calls may take of which pieces are missing
_FAREWELL = 4  # looks in the second that a caller has to end the connection
_KEY = re.compile("[a-z0-9._-]{1,256}")
_NAME_EVERY = 256  # calls of a method between two that tell its name


class _Fault(Exception):
    """What the other side did wrong; it ends the connection."""

    def __init__(self, text: str, code: str = "invalid_argument") -> None:
        super().__init__(text)
        self.code = code


class _Frame:
    """A frame as it was read; take and number cut its body from the front."""

    def __init__(self, kind: int, flags: int, method: int, id_: int,
                 body: bytes) -> None:
        self.kind = kind
        self.flags = flags
        self.method = method
        self.id = id_
        self.body = body

    def take(self, size: int, what: str) -> bytes:
        if size > len(self.body):
            raise _Fault(f"{what} of {size} bytes is past the end of its frame"
                         f" ({len(self.body)} bytes left)")
        part, self.body = self.body[:size], self.body[size:]
        return part

    def number(self, size: int, what: str) -> int:
        return int.from_bytes(self.take(size, what), "little")

    def metadata(self, limit: int) -> Dict[str, List[str]]:
        """Takes the metadata from the body, where the flag says so."""
        values: Dict[str, List[str]] = {}
        if not self.flags & _METADATA:
            return values
        size = self.number(4, "a metadata length")
        if size > limit:
            raise _Fault(f"metadata of {size} bytes; the limit is {limit}")
        block = _Frame(0, 0, 0, 0, self.take(size, "metadata"))
        while block.body:
            key = block.take(block.number(2, "a key's length"), "a key")
            value = block.take(block.number(4, "a value's length"), "a value")
            text = key.decode(errors="backslashreplace")
            if not _KEY.fullmatch(text):
                raise _Fault(f"metadata with the key {_quote(text)}")
            values.setdefault(text, []).append(
                value.decode(errors="surrogateescape"))
        return values

    def pieces(self, limit: int) -> _Pieces:
        """Takes the message, or what has come of it, from the body."""
        if not self.flags & _PIECES:
            return _Pieces(len(self.body), self.body, limit)
        total = self.number(4, "a total length")
        if not 0 < len(self.body) <= total:
            raise _Fault(f"a piece of {len(self.body)} bytes of a message of "
                         f"{total}")
        return _Pieces(total, self.body, limit)


class _Pieces:
    """A message that comes in pieces; one over the limit is not kept."""

    def __init__(self, total: int, first: bytes, limit: int) -> None:
        self.began = time.monotonic()
        self.total = total
        self.missing = total - len(first)
        self.refused = total > limit
        self.data = bytearray(b"" if self.refused else first)

    def add(self, piece: bytes) -> None:
        if not 0 < len(piece) <= self.missing:
            raise _Fault(f"a piece of {len(piece)} bytes of a message that "
                         f"lacks {self.missing}")
        self.missing -= len(piece)
        if not self.refused:
            self.data += piece

    def late(self, limit: float) -> bool:
        """Tells whether it should be whole by now."""
        return self.missing > 0 and _late(self.began, limit,
                                          self.total - self.missing)


def _late(began: float, limit: float, size: int) -> bool:
    return time.monotonic() > began + limit + size // _LEAST_RATE


def _frame(kind: int, flags: int = 0, method: int = 0, id_: int = 0,
           body: bytes = b"") -> bytes:
    return _HEADER.pack(len(body), kind, flags, method, id_) + body


def _message_frames(kind: int, flags: int, method: int, id_: int,
                    prefix: bytes, message: bytes) -> List[bytes]:
    """Gives a message as one frame, or in pieces (section 5)."""
    if len(prefix) + len(message) <= _MAX_BODY:
        return [_frame(kind, flags, method, id_, prefix + message)]
    prefix += len(message).to_bytes(4, "little")
    room = _MAX_BODY - len(prefix)
    frames = [_frame(kind, flags | _PIECES, method, id_,
                     prefix + message[:room])]
    for at in range(room, len(message), _MAX_BODY):
        frames.append(_frame(_MORE, 0, 0, id_, message[at:at + _MAX_BODY]))
    return frames


def _error_frame(id_: int, flags: int, err: RpcError,
                 limit: int = 0) -> bytes:
    """Gives an ERROR with the details for which the caller has room."""
    section = b""
    if err.details and limit:
        for detail, data in _encode_details(err.details, False,
                                            min(limit, _MAX_DETAIL_BYTES)):
            section += (_prefixed(detail.name.encode())
                        + (b"\2" if detail.is_json else b"\1")
                        + _prefixed(data))
    if section:
        flags, section = flags | _DETAILS, _prefixed(section)
    return _frame(_ERROR, flags, 0, id_,
                  section + _coded(err.code, err.message))


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "little") + data


def _read_details(frame: _Frame) -> List[_Detail]:
    """Takes the details from an ERROR's body, where the flag says so."""
    details: List[_Detail] = []
    if not frame.flags & _DETAILS:
        return details
    try:
        section = _Frame(0, 0, 0, 0, frame.take(frame.number(2, "a length"),
                                                "details"))
        while section.body:
            name = section.take(section.number(2, "a length"), "a name")
            form = section.number(1, "a format")
            data: Any = section.take(section.number(2, "a length"), "a detail")
            if form == 2:
                data = _parse_json(data)
            if form in (1, 2):
                details.append(_Detail(name.decode(errors="replace"), data,
                                       form == 2))
    except _Fault as err:
        raise _BadMessage(str(err)) from None
    return _received(details)


def _coded(code: str, text: str) -> bytes:
    """Gives the body of an ERROR or a GOAWAY."""
    number = _CODES.index(code if code in _CODES else "unknown") + 1
    data = text.encode(errors="backslashreplace")[:_MAX_TEXT]
    return bytes((number,)) + data.decode(errors="ignore").encode()


def _read_coded(frame: _Frame) -> Tuple[str, str]:
    number = frame.number(1, "a code")
    text = frame.body.decode(errors="backslashreplace")
    if 1 <= number <= len(_CODES):
        return _CODES[number - 1], text
    return "unknown", f"code {number}: {text}"


def _metadata_block(values: Mapping[str, Sequence[str]]) -> bytes:
    block = b""
    for key in sorted(values):
        for value in values[key]:
            data = value.encode(errors="surrogateescape")
            block += len(key).to_bytes(2, "little") + key.encode()
            block += len(data).to_bytes(4, "little") + data
    return block


def _check_metadata(values: Mapping[str, Any]) -> Dict[str, List[str]]:
    """Gives each key's values as a list, or raises a Type- or ValueError."""
    checked = {}
    for key, value in values.items():
        texts = [value] if isinstance(value, str) else list(value)
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise ValueError(f"the metadata key {key!r}: write lower case "
                             "letters, digits, - _ and . only")
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"metadata {key}: {_wrong_type(text, 'str')}")
        checked[key] = texts
    return checked
