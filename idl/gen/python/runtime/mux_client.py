# --- The mux protocol: the client's side -------------------------------------

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
