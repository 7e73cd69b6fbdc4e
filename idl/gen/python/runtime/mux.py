# --- The mux protocol: many calls at once over one connection ----------------
#
# The section numbers are those of the protocol's page, PROTOCOL.md.

_MAGIC = b"\xd7YDL"
_PREFACE = _MAGIC + b"\1\0\0\0"
_HEADER = struct.Struct("<IBBHI")  # length, type, flags, method, id
_MAX_BODY = 65524

(_SETTINGS, _CALL, _RESULT, _EXCEPTION, _ERROR, _CANCEL, _MORE, _PING, _PONG,
 _GOAWAY) = range(1, 11)

_NAME, _DEADLINE, _METADATA, _PIECES, _NOT_STARTED = 1, 2, 4, 8, 16
_DETAILS = 128
_FLAGS = {  # that a frame of the type may have; the others have none
    _CALL: _NAME | _DEADLINE | _METADATA | _PIECES,
    _RESULT: _METADATA | _PIECES, _EXCEPTION: _METADATA | _PIECES,
    _ERROR: _METADATA | _NOT_STARTED | _DETAILS,
}

(_SET_MESSAGE, _SET_CALLS, _SET_METADATA, _SET_NAME,
 _SET_METHODS, _SET_DETAILS) = range(1, 7)
_SETTINGS_BY_DEFAULT = {_SET_MESSAGE: 4 << 20, _SET_CALLS: 128,
                        _SET_METADATA: 8192, _SET_NAME: 256,
                        _SET_METHODS: 4096, _SET_DETAILS: 0}
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


class _Outgoing:
    """Frames on their way out, which are made when their turn comes."""

    def __init__(self, make: Callable[[], List[bytes]], size: int = 0) -> None:
        self.make = make
        self.size = size  # in the backlog
        self.frames: Optional[List[bytes]] = None
        self.withdrawn = False

    def begun(self) -> bool:
        return self.frames is not None

    def complete(self) -> bool:
        """Tells whether the other side may have all of it."""
        return self.frames == [] and not self.withdrawn


class _MuxPeer:
    """What both sides of a connection do: frames, a reader and a writer.

    One thread reads. Another one writes what all of them queue, messages in
    pieces in turn, so that nobody else waits for the network. A third one
    looks now and then for what takes too long.
    """

    def __init__(self, stream: _Stream, limit: int, stall: float) -> None:
        self.stream = stream
        self.limit = limit
        self.stall = stall
        self.peer = dict(_SETTINGS_BY_DEFAULT)  # what the other side accepts
        self.threads: List[threading.Thread] = []
        self.began: Optional[float] = None  # when the frame did that is read
        self.heard = time.monotonic()  # when something came
        self.state = threading.Condition()  # guards what follows
        self.queue: List[_Outgoing] = []
        self.backlog = 0  # bytes of what is queued
        self.pongs = 0  # that are queued
        self.ending = False  # the writer ends with the last of the queue
        self.over = False  # nothing is read or written any more
        self.reason = ""

    def hello(self) -> bytes:
        settings = struct.pack("<HIHI", _SET_MESSAGE,
                               min(self.limit, 2**32 - 1),
                               _SET_DETAILS, _MAX_DETAIL_BYTES)
        return _PREFACE + _frame(_SETTINGS, body=settings)

    def read_preface(self) -> int:
        """Gives the version of the other side."""
        preface = self.stream.read(len(_PREFACE))
        if not preface.startswith(_MAGIC):
            raise _Fault(f"it begins with {preface[:4].hex(' ')} and not with "
                         f"{_MAGIC.hex(' ')}")
        return preface[len(_MAGIC)]

    def read_settings(self) -> None:
        frame = self.parse(self.stream.read(_HEADER.size), self.stream.read)
        if frame.kind != _SETTINGS:
            raise _Fault(f"the first frame has type {frame.kind} and is no "
                         "SETTINGS")
        if len(frame.body) % 6:
            raise _Fault(f"settings of {len(frame.body)} bytes are not pairs "
                         "of 6 bytes")
        self.peer.update(struct.iter_unpack("<HI", frame.body))

    def parse(self, header: bytes, read: Callable[[int], bytes]) -> _Frame:
        length, kind, flags, method, id_ = _HEADER.unpack(header)
        if length > _MAX_BODY:
            raise _Fault(f"a frame of {length} bytes; the limit is "
                         f"{_MAX_BODY}")
        unknown = flags & ~_FLAGS.get(kind, 0)
        if _SETTINGS <= kind <= _GOAWAY and unknown:
            raise _Fault(f"a frame of type {kind} with the unknown flags "
                         f"{unknown:#04x}")
        return _Frame(kind, flags, method, id_, read(length))

    def start(self, *work: Callable[[], None]) -> None:
        self.stream.deadline = None
        self.stream.sock.settimeout(self.stall)
        for target in work:
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            self.threads.append(thread)

    def read(self) -> None:
        """Reads frames until the connection ends, in a thread of its own."""
        try:
            while True:
                self.began = time.monotonic() if self.stream.buffer else None
                header = self.receive(_HEADER.size)
                self.handle(self.parse(header, self.receive))
        except _Fault as err:
            self.reason = f"the other side broke the mux protocol: {err}"
            _log.warning("a connection was closed: %s", self.reason)
            self.last_words(err)
        except (OSError, EOFError) as err:
            self.reason = self.reason or str(err)
        except Exception as err:
            self.reason = f"a bug: {err!r}"
            _log.exception("a connection was closed by a bug")
        finally:
            self.end()

    def receive(self, size: int) -> bytes:
        buffer = self.stream.buffer
        while len(buffer) < size:
            try:
                data = self.stream.sock.recv(65536)
            except socket.timeout:
                continue  # watch ends what takes too long
            if not data:
                raise EOFError("the other side closed it")
            buffer += data
            self.heard = time.monotonic()
            if self.began is None:
                self.began = self.heard
        data = bytes(buffer[:size])
        del buffer[:size]
        return data

    def watch(self) -> None:
        """Ends what takes too long, in a thread of its own."""
        while True:
            pause = self.pause()
            with self.state:
                if self.state.wait_for(lambda: self.over
                                       or self.pause() < pause, pause):
                    if self.over:
                        return
                    continue
            began = self.began
            if began is not None and _late(began, self.stall,
                                           len(self.stream.buffer)):
                self.give_up()
            else:
                self.look()

    def pause(self) -> float:
        """Gives the seconds between two looks."""
        return self.stall / 16

    def look(self) -> None:
        """Looks for what takes too long, but for half a frame."""

    def give_up(self) -> None:
        """Ends a connection of which something takes too long."""
        fault = _Fault("what it sends was not whole "
                       f"{self.stall:g} s after its first byte")
        self.reason = f"the other side broke the mux protocol: {fault}"
        _log.warning("a connection was closed: %s", self.reason)
        with self.state:
            self.put_frame(_frame(_GOAWAY, body=_coded(fault.code,
                                                       str(fault))))
            self.ending = True
            self.state.notify_all()
            self.state.wait_for(lambda: self.over or not self.queue, 1)
        self.threads[1].join(1)  # the writer
        self.end()

    def handle(self, frame: _Frame) -> None:
        """Handles a frame of a type that both sides send."""
        if frame.kind == _PING:
            self.pong(frame.body)
        elif _SETTINGS <= frame.kind <= _MORE:
            raise _Fault(f"a frame of type {frame.kind}, which is not for this"
                         " side to receive")

    def pong(self, body: bytes) -> None:
        def make() -> List[bytes]:
            self.pongs -= 1
            return [_frame(_PONG, body=body)]
        with self.state:
            self.pongs += 1
            if self.pongs > _MAX_PONGS:
                raise _Fault("it sends PING and does not read the answers",
                             "resource_exhausted")
            self.put(_Outgoing(make))

    def put(self, outgoing: _Outgoing) -> None:
        """Queues frames, unless the last words have been said.

        The caller holds the state.
        """
        if self.ending:
            return
        self.queue.append(outgoing)
        self.backlog += outgoing.size
        self.state.notify_all()

    def put_frame(self, frame: bytes) -> None:
        """Queues a frame. The caller holds the state."""
        self.put(_Outgoing(lambda: [frame], len(frame)))

    def withdraw(self, outgoing: _Outgoing) -> bool:
        """Takes back what is left; tells whether that is all of it.

        The caller holds the state.
        """
        if not outgoing.complete():
            outgoing.withdrawn = True
        if outgoing in self.queue:
            self.queue.remove(outgoing)
            self.backlog -= outgoing.size
        return not outgoing.begun()

    def write(self) -> None:
        """Writes what is queued, in a thread of its own."""
        try:
            while True:
                outgoing, frame = self.next_frame()
                if outgoing is None:
                    break
                self.stream.sock.sendall(frame)
                if len(frame) > _LEAST_RATE:  # a slow network took it
                    self.heard = time.monotonic()
                self.wrote(outgoing)
            self.stream.sock.shutdown(socket.SHUT_WR)
        except OSError as err:
            self.reason = self.reason or str(err)
            self.end()
        except Exception as err:
            self.reason = f"a bug: {err!r}"
            _log.exception("a connection was closed by a bug")
            self.end()

    def next_frame(self) -> Tuple[Optional[_Outgoing], bytes]:
        with self.state:
            self.state.wait_for(lambda: self.queue or self.finished())
            if self.over or not self.queue:
                return None, b""
            outgoing = self.queue.pop(0)
            if outgoing.frames is None:
                outgoing.frames = outgoing.make()
            return outgoing, outgoing.frames.pop(0)

    def finished(self) -> bool:
        """Tells whether nothing will be queued any more."""
        return self.ending or self.over

    def wrote(self, outgoing: _Outgoing) -> None:
        with self.state:
            if outgoing.frames and not outgoing.withdrawn:
                self.queue.append(outgoing)
            else:
                self.backlog -= outgoing.size
                self.state.notify_all()

    def last_words(self, err: _Fault) -> None:
        """Tells the other side why the connection ends.

        What still comes is read for a second, since closing a socket with
        unread bytes would take the words back.
        """
        with self.state:
            self.put_frame(_frame(_GOAWAY, body=_coded(err.code, str(err))))
            self.ending = True
        end = time.monotonic() + 1
        try:
            self.stream.sock.settimeout(1)
            while time.monotonic() < end and self.stream.sock.recv(65536):
                pass
        except OSError:
            pass

    def end(self) -> None:
        """Ends the connection; the threads end soon."""
        with self.state:
            if not self.over:
                self.over = True
                self.ended()
            self.state.notify_all()
        try:
            self.stream.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster

    def ended(self) -> None:
        """Ends what belongs to the connection. The caller holds the state."""

    def close(self) -> None:
        """Ends the connection and waits for its threads."""
        self.end()
        for thread in self.threads:
            thread.join()
        self.stream.close()


class _MuxCall:
    """A call of this side and, once done is set, its answer."""

    def __init__(self, id_: int) -> None:
        self.id = id_
        self.done = threading.Event()
        self.outgoing: Any = None
        self.answer: Optional[_Frame] = None
        self.pieces: Optional[_Pieces] = None
        self.abandoned = False  # nobody waits; the slot stays taken


class _MuxClient(_MuxPeer):
    """The caller's side of a connection."""

    silence = 10.0  # seconds without a byte until the server is asked

    def __init__(self, stream: _Stream, limit: int) -> None:
        super().__init__(stream, limit, 30)
        self.numbers: Dict[str, int] = {}  # of methods, by full name
        self.counts: Dict[str, int] = {}  # calls sent of a method
        self.calls: Dict[int, _MuxCall] = {}
        self.free: List[int] = []  # slots that were used before
        self.used = 0  # slots ever used
        self.made = 0  # calls
        self.asked = False  # whether the server is there
        self.leaving = False  # no more calls begin
        self.refused = False  # and none has run

    def greet(self) -> None:
        """Exchanges settings with the server and starts the threads."""
        self.stream.write(self.hello())
        version = self.read_preface()
        if version != _PREFACE[len(_MAGIC)]:
            raise _Fault(f"it speaks version {version}, this side version 1")
        self.read_settings()
        if not self.peer[_SET_CALLS]:
            raise _Fault("it takes no calls")
        self.start(self.read, self.write, self.watch)

    def pause(self) -> float:
        return min(self.stall, self.silence) / 8

    def look(self) -> None:
        """Gives up a connection that the network has swallowed."""
        with self.state:
            calls = list(self.calls.values())
        if any(call.pieces and call.pieces.late(self.stall)
               for call in calls):
            self.give_up()
            return
        quiet = time.monotonic() - self.heard
        if not calls or quiet < self.silence:
            self.asked = False
        elif not self.asked:
            self.asked = True
            with self.state:
                self.put_frame(_frame(_PING, body=b"silence?"))
        elif quiet > 2 * self.silence:
            self.reason = ("nothing came from the server for "
                           f"{2 * self.silence:g} s while calls were waiting")
            self.end()

    def begin(self, method: _Method, args: bytes, deadline: Optional[float],
              metadata: Mapping[str, List[str]]) -> Optional[_MuxCall]:
        """Queues a call; None where the connection takes no more.

        Waits for a free slot, and raises a TimeoutError when the deadline
        passes before there is one.
        """
        block = self.checked(method, args, metadata)
        left = None
        if deadline is not None:
            left = max(0, deadline - time.monotonic())
        with self.state:
            if not self.state.wait_for(lambda: self.has_slot()
                                       or self.closing(), left):
                raise TimeoutError
            if self.closing():
                return None
            number = self.number(method)
            call = self.take()
            call.outgoing = _Outgoing(lambda: self.frames(
                call.id, number, method.full_name, deadline, block, args),
                len(args))
            self.put(call.outgoing)
            return call

    def checked(self, method: _Method, args: bytes,
                metadata: Mapping[str, List[str]]) -> bytes:
        """Gives the block of the metadata, if all is within the limits."""
        block = _metadata_block(metadata)
        name = method.full_name.encode()
        for what, size, limit in (
                ("a request", len(args), self.peer[_SET_MESSAGE]),
                ("metadata", len(block), min(self.peer[_SET_METADATA],
                                             _MAX_PREFIX)),
                ("a method's name", len(name), self.peer[_SET_NAME])):
            if size > limit:
                raise RpcError("resource_exhausted", f"{what} of {size} bytes;"
                               f" the server takes {limit}", "not started")
        return block

    def closing(self) -> bool:
        """Tells whether the connection takes no more calls."""
        return self.leaving or self.ending or self.over

    def has_slot(self) -> bool:
        return bool(self.free) or self.used < min(self.peer[_SET_CALLS],
                                                  _MAX_NUMBERS)

    def number(self, method: _Method) -> int:
        if (method.full_name not in self.numbers
                and len(self.numbers) >= min(self.peer[_SET_METHODS],
                                             _MAX_NUMBERS)):
            raise RpcError("resource_exhausted", "the server takes no more "
                           f"than {len(self.numbers)} methods on a connection",
                           "not started")
        return self.numbers.setdefault(method.full_name, len(self.numbers))

    def take(self) -> _MuxCall:
        if self.free:
            slot = self.free.pop()
        else:
            slot = self.used
            self.used += 1
        self.made += 1
        if not self.calls:
            self.heard = time.monotonic()  # nothing was to be heard before
        call = _MuxCall(self.made % 65536 << 16 | slot)
        self.calls[call.id] = call
        return call

    def frames(self, id_: int, number: int, name: str,
               deadline: Optional[float], block: bytes,
               args: bytes) -> List[bytes]:
        """Makes a call's frames at the moment when they are sent."""
        flags, prefix = 0, b""
        count = self.counts.get(name, 0)
        self.counts[name] = count + 1
        if count % _NAME_EVERY == 0:
            flags |= _NAME
            prefix += len(name.encode()).to_bytes(2, "little") + name.encode()
        if deadline is not None:
            flags |= _DEADLINE
            left = int((deadline - time.monotonic()) * 1e6)
            prefix += max(1, left).to_bytes(8, "little")
        if block:
            flags |= _METADATA
            prefix += len(block).to_bytes(4, "little") + block
        return _message_frames(_CALL, flags, number, id_, prefix, args)

    def wait(self, call: _MuxCall, deadline: Optional[float]) -> None:
        """Waits for the answer; a TimeoutError where the deadline passes."""
        left = None
        if deadline is not None:
            left = max(0, deadline - time.monotonic())
        try:
            if not call.done.wait(left):
                raise TimeoutError
        finally:
            self.abandon(call)

    def abandon(self, call: _MuxCall) -> None:
        """Gives a call up, unless it has ended."""
        with self.state:
            if call.done.is_set():
                return
            if self.withdraw(call.outgoing):
                self.release(call)
            else:
                call.abandoned = True
                self.put_frame(_frame(_CANCEL, id_=call.id))

    def release(self, call: _MuxCall) -> None:
        """Frees the slot of a call. The caller holds the state."""
        del self.calls[call.id]
        self.free.append(call.id & 65535)
        call.done.set()
        self.state.notify_all()

    def handle(self, frame: _Frame) -> None:
        if frame.kind in (_RESULT, _EXCEPTION, _ERROR):
            self.answer(frame)
        elif frame.kind == _MORE:
            self.more(frame)
        elif frame.kind == _GOAWAY:
            self.leave(frame)
        else:
            super().handle(frame)

    def answer(self, frame: _Frame) -> None:
        call = self.calls.get(frame.id)
        if call is None or call.pieces is not None:
            raise _Fault(f"an answer to the call {frame.id:#010x}, which is "
                         "not in flight")
        frame.metadata(_SETTINGS_BY_DEFAULT[_SET_METADATA])
        call.answer = frame
        call.pieces = frame.pieces(self.limit)
        self.deliver(call, call.pieces)

    def more(self, frame: _Frame) -> None:
        call = self.calls.get(frame.id)
        if call is None or call.pieces is None:
            raise _Fault(f"a piece for the call {frame.id:#010x}, of whose "
                         "answer no pieces are missing")
        call.pieces.add(frame.body)
        self.deliver(call, call.pieces)

    def deliver(self, call: _MuxCall, pieces: _Pieces) -> None:
        if pieces.missing:
            return
        with self.state:
            self.withdraw(call.outgoing)  # a refused call needs no more pieces
            self.release(call)
            self.leave_if_idle()

    def leave(self, frame: _Frame) -> None:
        code, text = _read_coded(frame)
        with self.state:
            self.leaving = True
            self.reason = f"the server is going away: {_quote(text)}"
            if code == "failed_precondition":  # it runs no call
                self.reason = f"the server refuses the connection: {text}"
                self.refused = True
            self.state.notify_all()
            self.leave_if_idle()

    def leave_if_idle(self) -> None:
        if self.leaving and not self.calls:
            self.ending = True
            self.state.notify_all()

    def ended(self) -> None:
        for call in self.calls.values():
            call.done.set()

    def outcome(self, method: _Method, call: _MuxCall) -> Tuple[int, Any]:
        """Gives what _lift_outcome takes, for a call that is done."""
        frame, pieces = call.answer, call.pieces
        if frame is None or pieces is None or pieces.missing:
            sent = call.outgoing.complete() and not self.refused
            raise RpcError("unavailable", "the connection broke during "
                           f"{method.name}: {self.reason or 'it was closed'}; "
                           "the next call connects anew",
                           "unknown" if sent else "not started")
        if pieces.refused:
            raise RpcError("resource_exhausted", str(_TooLarge(
                "an answer", pieces.total, self.limit)))
        if frame.kind == _ERROR:
            details = _read_details(frame)
            code, text = _read_coded(frame)
            refused = frame.flags & _NOT_STARTED
            raise RpcError(code, text,
                           "not started" if refused else "answered", details)
        reader = _WireReader(pieces.data)
        if frame.kind == _EXCEPTION:
            if frame.method >= len(method.exceptions):
                raise _BadMessage(
                    f"it is exception number {frame.method + 1} of "
                    f"{method.name}, and the definition here declares "
                    f"{len(method.exceptions)}; generate its code anew")
            declared = method.exceptions[frame.method]
            return frame.method + 2, reader.fields(declared.fields)
        result = reader.fields(method.results.fields).get(1)
        if result is None and method.result and not method.optional:
            result = _ZEROS[method.result.kind]
        return 1, result


class _MuxLink:
    """The connection of a channel: made at need, for many calls at once."""

    def __init__(self, address: str, limit: int,
                 tls: Optional[ssl.SSLContext]) -> None:
        self.address = _parse_address(address)
        self.tls = tls
        self.limit = limit
        self.closed = False
        self.lock = threading.Lock()  # guards what follows, and connecting
        self.client: Optional[_MuxClient] = None
        self.retired: List[_MuxClient] = []  # which finish their calls

    def call(self, method: _Method, plain: Dict[int, Any],
             timeout: Optional[float],
             metadata: Mapping[str, List[str]]) -> Tuple[int, Any]:
        args = _wire_fields(method.params.fields, plain)
        if len(args) > self.limit:
            raise RpcError("resource_exhausted", str(_TooLarge(
                "a request", len(args), self.limit)), "not started")
        deadline = None if timeout is None else time.monotonic() + timeout
        begun = False
        try:
            client, call = self.begin(method, args, timeout, deadline,
                                      metadata)
            begun = True
            client.wait(call, deadline)
        except TimeoutError:
            sent = begun and call.outgoing.complete()
            raise _timed_out(method, timeout, sent) from None
        try:
            return client.outcome(method, call)
        except (_BadMessage, _Fault) as err:
            raise _unfit(method, err) from None

    def begin(self, method: _Method, args: bytes, timeout: Optional[float],
              deadline: Optional[float], metadata: Mapping[str, List[str]]
              ) -> Tuple[_MuxClient, _MuxCall]:
        for _ in range(3):  # the server may be going away
            client = self.connect(method, timeout, deadline)
            call = client.begin(method, args, deadline, metadata)
            if call is not None:
                return client, call
            if client.refused:  # as it would be the next time
                raise RpcError("unavailable", client.reason, "not started")
        raise RpcError("unavailable", f"{client.reason or 'it was closed'}, "
                       "three times in turn", "not started")

    def connect(self, method: _Method, timeout: Optional[float],
                deadline: Optional[float]) -> _MuxClient:
        left = -1 if deadline is None else deadline - time.monotonic()
        if not self.lock.acquire(timeout=left if deadline is None
                                 else max(0, left)):
            raise _timed_out(method, timeout, False)
        try:
            if self.closed:
                raise ValueError("the channel is closed; make another")
            if self.client and self.client.closing():
                self.retired.append(self.client)
                self.client = None
            self.bury()
            if self.client is None:
                self.client = self.dial(method, timeout, deadline)
            return self.client
        finally:
            self.lock.release()

    def bury(self) -> None:
        """Closes the retired connections that are over."""
        for client in [client for client in self.retired if client.over]:
            self.retired.remove(client)
            client.close()

    def dial(self, method: _Method, timeout: Optional[float],
             deadline: Optional[float]) -> _MuxClient:
        stream = _Stream(_dial(self.address, self.tls, method, timeout,
                               deadline), self.limit)
        stream.deadline = time.monotonic() + 10
        if deadline is not None:
            stream.deadline = min(stream.deadline, deadline)
        client = _MuxClient(stream, self.limit)
        try:
            client.greet()
            return client
        except socket.timeout:
            client.close()
            raise _timed_out(method, timeout, False) from None
        except _TlsError as err:
            client.close()
            raise RpcError("unavailable", str(err), "not started") from err
        except (OSError, EOFError, _Fault) as err:
            client.close()
            host, port = self.address
            tls = "s" if self.tls else ""
            raise RpcError("unavailable", f"{host}:{port} does not answer as a"
                           f" mux server: {err}; if it speaks basic or "
                           f"line, the target is basic{tls}://{host}:{port}"
                           f" or line{tls}://{host}:{port}",
                           "not started") from err

    def close(self) -> None:
        """Closes the connections, once the running calls have ended."""
        with self.lock:
            self.closed = True
            clients = self.retired + ([self.client] if self.client else [])
            self.retired, self.client = [], None
        for client in clients:
            with client.state:
                client.leaving = True
                client.state.notify_all()
                client.state.wait_for(
                    lambda: client.over or not any(
                        not call.abandoned for call in client.calls.values()))
            client.close()
