# --- The mux protocol: the server's side -------------------------------------

class _MuxServer(_MuxPeer):
    """The server's side of a connection.

    Its worker is the thread that calls run; where the server allows more,
    they are started when calls wait.
    """

    def __init__(self, server: Server, stream: _Stream) -> None:
        super().__init__(stream, server.limit, server.message_timeout)
        self.server = server
        self.accepts = _SETTINGS_BY_DEFAULT  # but for the size of messages
        self.names = _MethodNames()
        self.calls: Dict[int, _Incoming] = {}  # by slot
        self.todo: List[_Incoming] = []
        self.workers = 1
        self.idle = 0  # workers
        self.begun_last = 0.0  # when a call did
        self.running = 0  # calls
        self.promised = 0  # bytes of their answers
        self.expected: Dict[str, int] = {}  # bytes of a method's answer
        self.leaving = False  # no more calls begin
        self.drained = False  # and the caller knows
        self.greeted = False
        self.quiet = 0  # looks at a caller that should end the connection
        self.left = 0  # bytes in the backlog at the last one

    def greet(self) -> None:
        """Exchanges settings (section 1)."""
        version = self.read_preface()
        self.stream.write(self.hello())
        try:
            if version != _PREFACE[len(_MAGIC)]:
                raise _Fault("this server speaks version 1 of mux",
                             "unimplemented")
            self.read_settings()
        except _Fault as err:
            self.stream.write(_frame(_GOAWAY, body=_coded(err.code, str(err))))
            raise

    def run(self) -> None:
        try:
            self.greeted = True
            self.start(self.read, self.write, self.watch)
            self.work()
        finally:
            self.end()
            for thread in self.threads:
                thread.join()

    def drain(self) -> None:
        """Tells the caller to go; the PONG says that it has heard."""
        with self.state:
            if self.leaving:
                return
            self.leaving = True
            if not self.greeted:
                timer = threading.Timer(1, self.end_greeting)
                timer.daemon = True
                timer.start()
            self.put_frame(_frame(_GOAWAY, body=_coded(
                "unavailable", "the server is shutting down")))
            self.put_frame(_frame(_PING, body=b"draining"))

    def end_greeting(self) -> None:
        if not self.greeted:
            self.end()

    def pause(self) -> float:
        return 1 / _FAREWELL if self.leaving else super().pause()

    def look(self) -> None:
        with self.state:
            begun = [incoming for incoming in self.calls.values()
                     if incoming.pieces.missing]
            for incoming in begun:
                if incoming.pieces.late(self.stall):
                    self.refuse(incoming, RpcError(
                        "deadline_exceeded", "the arguments were not whole "
                        f"{self.stall:g} s after their first byte"))
        if self.leaving:
            self.press_on(begun)

    def press_on(self, begun: List[_Incoming]) -> None:
        """Does without a caller that does not end the connection."""
        with self.state:
            moved, self.left = self.backlog < self.left, self.backlog
            if moved or self.running or self.todo:
                self.quiet = 0
                return
            self.quiet += 1
            if self.quiet == _FAREWELL - 1:
                self.drained = True
                for incoming in begun:
                    self.refuse(incoming, RpcError(
                        "unavailable", "the server is shutting down"))
                self.state.notify_all()
        if self.quiet == _FAREWELL:
            self.end()

    def refuse(self, incoming: _Incoming, why: RpcError) -> None:
        """Answers a call of which pieces are missing.

        Those that still come are ignored. The caller holds the state.
        """
        if incoming.refused or not incoming.pieces.missing:
            return
        incoming.refused = why
        incoming.pieces.missing = 0
        incoming.pieces.data = bytearray()
        self.finish(incoming, incoming.answer(0))

    def finished(self) -> bool:
        return super().finished() or self.drained and not self.calls

    def work(self) -> None:
        """Runs calls until the connection ends."""
        while True:
            with self.state:
                self.idle += 1
                self.wait_for_call()
                self.idle -= 1
                if self.over:
                    return
                incoming = self.next_call()
            self.finish(incoming, incoming.answer(
                min(self.limit, self.peer[_SET_MESSAGE])))

    def wait_for_call(self) -> None:
        """Waits for a call that can begin. The caller holds the state.

        One whose answer may be large begins all the same after a time, for
        those that it waits for may wait for it.
        """
        while True:
            self.state.wait_for(lambda: self.over or self.todo)
            if self.over or self.state.wait_for(
                    lambda: self.over or self.todo and self.has_room(),
                    self.patience()):
                return
            if (self.todo and self.answers() < _MAX_ANSWERS
                    and time.monotonic()
                    > self.begun_last + self.patience() * 0.9):
                return

    def patience(self) -> float:
        return 1 if self.todo[0].bound.method.name in self.expected else 0.1

    def has_room(self) -> bool:
        """Tells whether the next call can begin, for its answer has room.

        What is unread and what running calls may answer count.
        """
        if self.answers() >= _MAX_ANSWERS:
            return False
        return (not self.promised or not self.promise(self.todo[0])
                or self.answers() + self.promised < _MAX_ANSWERS)

    def answers(self) -> int:
        """Gives the bytes that are not read, but for those of streams."""
        return self.backlog - self.streamed

    def promise(self, incoming: _Incoming) -> int:
        if incoming.stream:
            return 0
        size = self.expected.get(incoming.bound.method.name, self.limit)
        return size if size > 1024 else 0

    def next_call(self) -> _Incoming:
        incoming = self.todo.pop(0)
        incoming.promised = self.promise(incoming)
        self.promised += incoming.promised
        incoming.running = True
        self.running += 1
        self.begun_last = time.monotonic()
        return incoming

    def finish(self, incoming: _Incoming, frames: List[bytes]) -> None:
        """Queues the answer; the slot is free when it is on its way."""
        size = sum(map(len, frames))

        def make() -> List[bytes]:
            del self.calls[incoming.id & 65535]
            return frames
        with self.state:
            if incoming.stream:
                incoming.stream.stop("canceled", "the handler has returned")
            else:
                name = incoming.bound.method.name
                old = self.expected.get(name, size)
                self.expected[name] = old + (size - old) // (
                    2 if size > old else 8)
            self.promised -= incoming.promised
            self.running -= incoming.running
            incoming.promised, incoming.running = 0, False
            self.put(_Outgoing(make, size))

    def handle(self, frame: _Frame) -> None:
        if frame.kind == _CALL:
            self.begin(frame)
        elif frame.kind == _MORE:
            self.more(frame)
        elif frame.kind == _CANCEL:
            self.cancel(frame)
        elif frame.kind == _END:
            with self.state:
                stream = self.stream_of(frame)
                if stream:
                    stream.end_input()
        elif frame.kind == _PONG:
            with self.state:
                self.drained = self.leaving
                self.state.notify_all()
        else:
            super().handle(frame)
        with self.state:  # calls that cannot begin take a message's memory
            self.state.wait_for(lambda: self.over or self.fits()
                                or self.streams_run())
            while not self.fits() and self.streams_run():
                self.turn_away()

    def fits(self) -> bool:
        return sum(incoming.pieces.total
                   for incoming in self.todo) <= self.limit

    def streams_run(self) -> bool:
        return any(incoming.stream and incoming.running
                   for incoming in self.calls.values())

    def turn_away(self) -> None:
        """Refuses the last call that has to wait.

        A stream runs, which may wait for what is still to be read: so it has
        to be read.
        """
        last = next(incoming for incoming in reversed(self.todo)
                    if incoming.pieces.total)
        self.todo.remove(last)
        self.finish(last, [_error_frame(last.id, _NOT_STARTED, RpcError(
            "resource_exhausted", "calls that cannot start while streams run "
            f"take more than {self.limit} bytes; send fewer at once"))])

    def stream_of(self, frame: _Frame) -> Optional[_MuxStream]:
        if not self.peer[_SET_STREAM]:
            raise _Fault(f"a frame of type {frame.kind}, where the settings "
                         "say nothing of streams")
        incoming = self.call_of(frame)
        if incoming and incoming.stream is None and frame.kind != _CREDIT:
            raise _Fault(f"a frame of type {frame.kind} for the call "
                         f"{frame.id:#010x}, which is no stream")
        return incoming.stream if incoming else None

    def begin(self, frame: _Frame) -> None:
        """Takes a CALL, and refuses it or has it run (section 4)."""
        slot = frame.id & 65535
        if slot >= self.accepts[_SET_CALLS]:
            raise _Fault(f"a call in slot {slot}, where "
                         f"{self.accepts[_SET_CALLS]} calls may be in flight")
        if slot in self.calls:
            raise _Fault(f"a second call in slot {slot}, where one is running")
        name = self.names.read(frame)
        if frame.flags & _STREAM and not self.peer[_SET_STREAM]:
            raise _Fault("a call with a stream, where the settings say "
                         "nothing of streams")
        deadline = None
        if frame.flags & _DEADLINE:
            left = frame.number(8, "a deadline") / 1e6
            deadline = time.monotonic() + min(left, _MAX_WAIT)
        call = ServerCall(deadline,
                          frame.metadata(self.accepts[_SET_METADATA]))
        if frame.flags & _STREAM and (frame.body or frame.flags & _PIECES):
            raise _Fault("a message in the CALL of a stream")
        try:
            pieces = frame.pieces(self.limit)
            bound = self.find(name, frame.flags & _STREAM != 0)
            if pieces.refused:
                raise RpcError("resource_exhausted", str(_TooLarge(
                    "a request", pieces.total, self.limit)))
        except RpcError as err:
            with self.state:
                self.put_frame(_error_frame(frame.id, _NOT_STARTED, err))
            return
        incoming = _Incoming(frame.id, bound, call, pieces)
        incoming.details = self.peer[_SET_DETAILS]
        if frame.flags & _STREAM:
            incoming.stream = _MuxStream(self, frame.id)
        self.take(slot, incoming)

    def find(self, name: bytes, stream: bool) -> _Bound:
        if self.leaving:
            raise RpcError("unavailable", "the server is shutting down")
        bound = self.server._find(name.decode(errors="backslashreplace"))
        if bound.method.is_stream() != stream:
            raise RpcError("unimplemented", f"{bound.method.name} has "
                           f"{'no' if stream else 'a'} stream here, and was "
                           f"called with{'' if stream else 'out'} one; are "
                           "both sides made from the same definition?")
        return bound

    def take(self, slot: int, incoming: _Incoming) -> None:
        with self.state:
            self.calls[slot] = incoming
        if not incoming.pieces.missing:
            self.enqueue(incoming)

    def enqueue(self, incoming: _Incoming) -> None:
        if incoming.stream and self.server._workers > 1:
            self.run_stream(incoming)
            return
        with self.state:
            self.todo.append(incoming)
            self.state.notify_all()
            if (len(self.todo) <= self.idle
                    or self.workers == self.server._workers):
                return
            self.workers += 1
        try:
            threading.Thread(target=self.work, daemon=True).start()
        except RuntimeError as err:  # no more threads: the others do it
            _log.warning("cannot start a worker: %s", err)
            with self.state:
                self.workers -= 1

    def run_stream(self, incoming: _Incoming) -> None:
        """Runs the handler of a stream in a thread of its own.

        For it may take long: it would keep a worker from all other calls.
        """
        with self.state:
            self.running += 1
            incoming.running = True
        try:
            threading.Thread(target=self.answer_stream, args=(incoming,),
                             daemon=True).start()
        except RuntimeError as err:  # no more threads
            _log.warning("cannot start a thread for a stream: %s", err)
            self.finish(incoming, [_error_frame(
                incoming.id, _NOT_STARTED, RpcError(
                    "resource_exhausted", "the server has no thread left"))])

    def answer_stream(self, incoming: _Incoming) -> None:
        self.finish(incoming, incoming.answer(
            min(self.limit, self.peer[_SET_MESSAGE])))

    def call_of(self, frame: _Frame) -> Optional[_Incoming]:
        incoming = self.calls.get(frame.id & 65535)
        if incoming is None or incoming.id != frame.id:
            return None
        return incoming

    def more(self, frame: _Frame) -> None:
        incoming = self.call_of(frame)
        if incoming is None:  # it was refused or given up
            return
        with self.state:
            if incoming.refused:
                return
            if not incoming.pieces.missing:
                raise _Fault(f"a piece for the call {frame.id:#010x}, of which"
                             " no pieces are missing")
            if self.begun() + len(frame.body) > _MAX_BEGUN * self.limit:
                self.refuse(incoming, RpcError(
                    "resource_exhausted", "calls of which pieces are missing "
                    f"take {self.begun()} bytes of this connection; send fewer"
                    " at once"))
                return
            incoming.pieces.add(frame.body)
            if incoming.pieces.missing:
                return
        self.enqueue(incoming)

    def begun(self) -> int:
        return sum(len(incoming.pieces.data)
                   for incoming in self.calls.values()
                   if incoming.pieces.missing)

    def cancel(self, frame: _Frame) -> None:
        incoming = self.call_of(frame)
        if incoming is None:
            return
        incoming.call.cancelled.set()
        with self.state:
            if incoming.stream:
                incoming.stream.fail("canceled", "the caller gave up")
            self.refuse(incoming, RpcError("canceled", "the caller gave up"))

    def ended(self) -> None:
        for incoming in self.calls.values():
            incoming.call.cancelled.set()
            if incoming.stream:
                incoming.stream.fail("canceled", "the connection has ended")
