# --- The mux protocol: the client's side -------------------------------------

class _MuxCall:
    """A call of this side and, once done is set, its answer."""

    def __init__(self, id_: int) -> None:
        self.id = id_
        self.done = threading.Event()
        self.outgoing: Any = None
        self.answer: Optional[_Frame] = None
        self.pieces: Optional[_Pieces] = None
        self.stream: Optional[_MuxStream] = None
        self.deadline: Optional[float] = None  # of a stream
        self.held = False  # its end is the user's, who may forget it
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
        # Streams that nobody holds, from wherever the last one let go.
        self.discarded: queue.SimpleQueue[Optional[_MuxCall]] = (
            queue.SimpleQueue())

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

    def rest(self, pause: float) -> bool:
        """Waits until the next look, and meanwhile ends what is garbage."""
        end = time.monotonic() + pause
        while not self.over:
            try:
                call = self.discarded.get(
                    timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                break
            if call:
                self.abandon(call, RpcError("canceled", "nobody holds the "
                                            "stream any more", "unknown"))
        return not self.over

    def look(self) -> None:
        """Gives up a connection that the network has swallowed."""
        now = time.monotonic()
        with self.state:
            calls = list(self.calls.values())
        for call in calls:
            if call.stream and call.deadline and call.deadline < now:
                self.abandon(call, RpcError(
                    "deadline_exceeded", "the time for the stream is over",
                    "unknown"))
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

        The CALL of a stream has no message: what is sent goes behind it.
        Waits for a free slot, and raises a TimeoutError when the deadline
        passes before there is one.
        """
        if method.is_stream() and not self.peer[_SET_STREAM]:
            raise RpcError("unimplemented", f"{method.name} has a stream, and "
                           "the server's settings say that it carries none",
                           "not started")
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
            flags = 0
            if method.is_stream():
                flags = _STREAM
                call.stream = _MuxStream(self, call.id)
                call.deadline = deadline
                call.held = method.server_stream
            call.outgoing = _Outgoing(lambda: self.frames(
                call.id, number, method.full_name, deadline, block, args,
                flags), len(args))
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
               args: bytes, flags: int) -> List[bytes]:
        """Makes a call's frames at the moment when they are sent."""
        prefix = b""
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

    def abandon(self, call: _MuxCall,
                why: Optional[RpcError] = None) -> None:
        """Gives a call up, unless it has ended."""
        with self.state:
            if call.stream and why:
                call.stream.fail(why.code, why.message, why.outcome)
            if call.done.is_set() or call.abandoned:
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

    def stream_of(self, frame: _Frame) -> Optional[_MuxStream]:
        call = self.calls.get(frame.id)
        if frame.kind == _ITEM and (call is None or call.stream is None):
            raise _Fault(f"a message for the call {frame.id:#010x}, which is "
                         "no stream in flight")
        return call.stream if call else None

    def item(self, frame: _Frame) -> None:
        super().item(frame)
        call = self.calls.get(frame.id)
        if call and call.stream and call.stream.failure:
            self.abandon(call)  # nobody waits for it any more

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
            if call.stream:
                call.stream.answered()
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
            if call.stream:
                call.stream.answered()
            call.done.set()
        self.discarded.put(None)  # which wakes the thread that waits for it

    def close_streams(self) -> None:
        """Ends the streams that users hold. The caller holds the state."""
        for call in list(self.calls.values()):
            if call.held:
                self.abandon(call, RpcError(
                    "canceled", "the channel was closed", "unknown"))

    def outcome(self, method: _Method, call: _MuxCall) -> Tuple[int, Any]:
        """Gives what _lift_outcome takes, for a call that is done."""
        frame, pieces = copy.copy(call.answer), call.pieces  # to be read again
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
        if call.stream:
            return 1, None  # the results came before
        return 1, _read_result(method, reader)


def _read_result(method: _Method, reader: _WireReader) -> Any:
    result = reader.fields(method.results.fields).get(1)
    if result is None and method.result and not method.optional:
        result = _ZEROS[method.result.kind]
    return result
