# --- The mux protocol: what both sides of a connection do --------------------

class _Outgoing:
    """Frames on their way out, which are made when their turn comes."""

    def __init__(self, make: Callable[[], List[bytes]], size: int = 0,
                 of_stream: bool = False) -> None:
        self.make = make
        self.size = size  # in the backlog
        self.of_stream = of_stream  # messages, or END
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
        self.lock = threading.RLock()  # guards what follows
        self.state = threading.Condition(self.lock)
        self.queue: List[_Outgoing] = []
        self.backlog = 0  # bytes of what is queued
        self.streamed = 0  # those of them that are of streams
        self.path = _Path()
        self.window = _Window(_STREAMS_WINDOW, _STREAMS_WINDOW, self.path)
        self.budget = _Budget(0)
        self.blocked: Set[_MuxStream] = set()  # which wait for credit
        self.pongs = 0  # that are queued
        self.ending = False  # the writer ends with the last of the queue
        self.over = False  # nothing is read or written any more
        self.reason = ""

    def hello(self) -> bytes:
        settings = struct.pack("<HIHIHIHI", _SET_MESSAGE,
                               min(self.limit, 2**32 - 1),
                               _SET_DETAILS, _MAX_DETAIL_BYTES,
                               _SET_STREAM, _STREAM_WINDOW,
                               _SET_STREAMS, _STREAMS_WINDOW)
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
        first, all_ = self.peer[_SET_STREAM], self.peer[_SET_STREAMS]
        if first and min(first, all_) < _LEAST_WINDOW:
            raise _Fault(f"settings of {first} bytes for a stream and {all_} "
                         f"for all; {_LEAST_WINDOW} are the least")
        self.budget.allowed = all_

    def parse(self, header: bytes, read: Callable[[int], bytes]) -> _Frame:
        length, kind, flags, method, id_ = _HEADER.unpack(header)
        if length > _MAX_BODY:
            raise _Fault(f"a frame of {length} bytes; the limit is "
                         f"{_MAX_BODY}")
        unknown = flags & ~_FLAGS.get(kind, 0)
        if _SETTINGS <= kind <= _CREDIT and unknown:
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
            if not self.rest(self.pause()):
                return
            began = self.began
            if began is not None and _late(began, self.stall,
                                           len(self.stream.buffer)):
                self.give_up()
            else:
                self.look()

    def rest(self, pause: float) -> bool:
        """Waits until the next look; False when there is none any more."""
        with self.state:
            while self.state.wait_for(lambda: self.over
                                      or self.pause() < pause, pause):
                if self.over:
                    return False
                pause = self.pause()
        return True

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
        elif frame.kind == _ITEM:
            self.item(frame)
        elif frame.kind == _CREDIT:
            self.credit(frame)
        elif _SETTINGS <= frame.kind <= _MORE or frame.kind == _END:
            raise _Fault(f"a frame of type {frame.kind}, which is not for this"
                         " side to receive")

    def stream_of(self, frame: _Frame) -> Optional[_MuxStream]:
        """Gives the stream of a frame; None if it is in flight no more."""
        raise NotImplementedError

    def item(self, frame: _Frame) -> None:
        cost = len(frame.body)
        if not frame.flags & _REST:
            cost += _HEADER.size
        elif not frame.body or frame.flags & _PIECES:
            raise _Fault(f"a piece of {len(frame.body)} bytes with the flags "
                         f"{frame.flags:#04x} behind the first of a message")
        with self.state:
            stream = self.stream_of(frame)
            self.window.take(cost, "all streams", False)
            if stream is None:
                self.give(cost)
            else:
                stream.item(frame, cost)

    def give(self, cost: int) -> None:
        """Gives the connection's credit again. The caller holds the state."""
        if self.window.read(cost):
            self.put_frame(_frame(
                _CREDIT, _CONNECTION,
                body=self.window.granted.to_bytes(8, "little")))

    def credit(self, frame: _Frame) -> None:
        if len(frame.body) != 8:
            raise _Fault(f"a CREDIT of {len(frame.body)} bytes, not 8")
        offset = int.from_bytes(frame.body, "little")
        with self.state:
            if frame.flags & _CONNECTION:
                if offset > self.budget.allowed:
                    self.budget.allowed = offset
                    self.unblock()
                return
            stream = self.stream_of(frame)
            if stream and offset > stream.budget.allowed:
                stream.budget.allowed = offset
                stream.changed.notify_all()

    def spend(self, cost: int) -> None:
        """Takes the connection's credit; less than 0 gives it back."""
        self.budget.sent += cost
        if cost < 0:
            self.unblock()

    def unblock(self) -> None:
        for stream in self.blocked:
            stream.changed.notify_all()

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
        self.count(outgoing, outgoing.size)
        self.state.notify_all()

    def count(self, outgoing: _Outgoing, size: int) -> None:
        self.backlog += size
        if outgoing.of_stream:
            self.streamed += size

    def enlarge(self, outgoing: _Outgoing, size: int) -> None:
        """Counts more bytes of what is queued. The caller holds the state."""
        outgoing.size += size
        self.count(outgoing, size)

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
            self.count(outgoing, -outgoing.size)
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
                self.count(outgoing, -outgoing.size)
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
