# --- The mux protocol: streams (section 8) -----------------------------------

_STREAM_WINDOW = 64 << 10  # bytes that a stream may bring before any credit
_SHORT_WINDOW = 192 << 10  # to which that grows on a short way
_LONG_WINDOW = 4 << 20  # and on a long one
_LONG_WAY = 0.02  # seconds there and back; threads take turns of 0.005
_STREAMS_WINDOW = 16 << 20  # bytes of all streams of a connection
_LEAST_CREDIT = 16 << 10  # that nobody has to wait for
_FIRST_PIECE = 512  # bytes of a large message that say how large it is
_MAX_PENDING = 64 << 10  # bytes of a stream that wait to be written


class _Path:
    """What is known of the way to the other side."""

    def __init__(self) -> None:
        self.trip = math.inf  # the shortest there and back, in seconds


class _Window:
    """What one stream may bring, or all of a connection.

    Credit is an offset: the bytes that there may be in all.
    """

    def __init__(self, size: int, most: int, path: _Path) -> None:
        self.size = size
        self.most = most
        self.path = path
        self.granted = size
        self.arrived = 0
        self.consumed = 0  # what was read
        self.probe = 0  # when more has come, the last credit is there
        self.since = 0.0  # when that was given

    def take(self, cost: int, what: str, starved: bool) -> None:
        """Notes what has come; starved if somebody has nothing to read."""
        self.arrived += cost
        if self.arrived > self.granted:
            raise _Fault(f"{self.arrived} bytes of {what}, where there is "
                         f"credit for {self.granted}")
        if not 0 < self.probe < self.arrived:
            return
        self.probe = 0
        trip = time.monotonic() - self.since
        self.path.trip = min(self.path.trip, trip)
        long = self.path.trip >= _LONG_WAY
        if starved:
            self.size = max(self.size, min(
                2 * self.size, self.most if long else _SHORT_WINDOW))

    def read(self, count: int) -> bool:
        """Notes what was read; tells whether it is time for a CREDIT."""
        self.consumed += count
        if self.consumed + self.size < self.granted + self.size // 2:
            return False
        before, self.granted = self.granted, self.consumed + self.size
        if self.arrived + _LEAST_CREDIT > before:
            self.probe, self.since = before, time.monotonic()
        return True


class _Budget:
    """What may be sent of one stream, or of all of a connection."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.sent = 0

    def left(self) -> int:
        return self.allowed - self.sent


class _MuxStream:
    """One end of a stream: what waits to be read, and to be written.

    The lock of its connection guards all of it. The thread that reads never
    waits for it: there is room for all that there is credit for.
    """

    def __init__(self, peer: _MuxPeer, id_: int) -> None:
        self.peer = peer
        self.id = id_
        self.changed = threading.Condition(peer.lock)
        self.messages: Deque[Tuple[bytes, int]] = collections.deque()
        self.window = _Window(_STREAM_WINDOW, _LONG_WINDOW, peer.path)
        self.held = 0  # of the connection's credit
        self.pieces: Optional[_Pieces] = None  # of a message that has begun
        self.begun = 0  # what of the credit they took
        self.claimed = False  # that message counts as read
        self.waiting = 0  # threads, for a message
        self.over = False  # no more messages come
        self.failure: Optional[Tuple[str, str, str]] = None  # of an RpcError
        self.budget = _Budget(peer.peer[_SET_STREAM])
        self.sender = threading.Lock()  # held while a message is sent
        self.closed = False  # nothing more is sent
        self.outgoing: Optional[_Outgoing] = None  # for the buffer
        self.buffer = bytearray()  # frames that wait to be written
        self.cost = 0  # what they take of the credit

    def item(self, frame: _Frame, cost: int) -> None:
        """Takes an ITEM. The caller holds the lock, as for what follows."""
        self.window.take(cost, f"the stream {self.id:#010x}",
                         self.waiting > 0 and not self.messages)
        if self.over:
            raise _Fault(f"a message behind the end of the stream "
                         f"{self.id:#010x}")
        if self.failure:
            self.peer.give(cost)
            return
        if frame.flags & _REST and self.pieces:
            self.pieces.add(frame.body)
        elif frame.flags & _REST or self.pieces:
            raise _Fault(f"the stream {self.id:#010x} mixes up the pieces of "
                         "its messages")
        else:
            self.pieces = frame.pieces(self.peer.limit)
            self.begun, self.claimed = 0, False
            if self.pieces.refused:
                self.peer.give(cost)
                self.fail("resource_exhausted", str(_TooLarge(
                    "a message of a stream", self.pieces.total,
                    self.peer.limit)))
                return
        if self.claimed:
            self.peer.give(cost)
        else:
            self.held += cost
            self.begun += cost
        if not self.pieces.missing:
            self.messages.append((bytes(self.pieces.data),
                                  0 if self.claimed else self.begun))
            self.pieces = None
            self.changed.notify_all()
        elif self.waiting and not self.messages:
            self.claim()

    def claim(self) -> None:
        """Counts a message that has begun to come as read.

        Somebody waits for it: so it gets credit for its rest, which may be
        more than the window.
        """
        if self.pieces and not self.claimed:
            self.claimed = True
            self.consume(self.begun, self.pieces.missing)

    def consume(self, cost: int, missing: int = 0) -> None:
        self.held -= cost
        if self.window.read(cost + missing) and not self.over:
            self.peer.put_frame(_frame(
                _CREDIT, id_=self.id,
                body=self.window.granted.to_bytes(8, "little")))
        self.peer.give(cost)

    def end_input(self) -> None:
        """Takes an END."""
        if self.over or self.pieces:
            raise _Fault(f"an END of the stream {self.id:#010x}, which has "
                         "ended or is within a message")
        self.over = True
        self.changed.notify_all()

    def answered(self) -> None:
        """Ends both directions behind what has come."""
        self.over = True
        if self.pieces:
            self.pieces = None
            if not self.claimed:
                self.consume(self.begun)
        self.drop_output()

    def fail(self, code: str, text: str, outcome: str = "unknown") -> None:
        """Ends both directions at once, and frees all of it."""
        self.stop(code, text, outcome)
        self.drop_output()

    def stop(self, code: str, text: str, outcome: str = "unknown") -> None:
        """Drops what has come and what still comes."""
        if self.failure is None:
            self.failure = code, text, outcome
        self.messages.clear()
        self.pieces = None
        held, self.held = self.held, 0
        self.peer.give(held)
        self.closed = True
        self.changed.notify_all()

    def drop_output(self) -> None:
        self.closed = True
        if self.outgoing:
            self.peer.withdraw(self.outgoing)
            self.outgoing = None
            self.buffer.clear()
            self.budget.sent -= self.cost
            self.peer.spend(-self.cost)
            self.cost = 0
        self.changed.notify_all()

    def receive(self, deadline: Optional[float]) -> Optional[bytes]:
        """Gives the next message, None at the end.

        Raises a TimeoutError when the deadline passes before there is one,
        and the RpcError by which the stream failed.
        """
        with self.peer.lock:
            while True:
                if self.failure:
                    raise RpcError(*self.failure)
                if self.messages:
                    message, cost = self.messages.popleft()
                    self.consume(cost)
                    return message
                if self.over:
                    return None
                self.claim()
                self.waiting += 1
                try:
                    self.wait(deadline)
                finally:
                    self.waiting -= 1

    def wait(self, deadline: Optional[float]) -> None:
        if deadline is None:
            self.changed.wait()
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.changed.wait(min(left, _MAX_WAIT))

    def send(self, message: bytes, deadline: Optional[float]) -> bool:
        """Queues a message once there is credit for it, or for a piece.

        Gives False if nobody takes it any more, and raises a TimeoutError
        when the deadline passes.
        """
        cost = _HEADER.size + len(message)
        with self.sender, self.peer.lock:
            if not self.wait_for_credit(cost, deadline):
                return False
            if cost <= self.credit() and len(message) <= _MAX_BODY:
                self.put(_frame(_ITEM, id_=self.id, body=message), cost)
                return True
            first = (len(message).to_bytes(4, "little")
                     + message[:_FIRST_PIECE])
            self.put(_frame(_ITEM, _PIECES, id_=self.id, body=first),
                     _HEADER.size + len(first))
            at = _FIRST_PIECE
            while at < len(message):
                if not self.wait_for_credit(len(message) - at, deadline):
                    return False
                piece = message[at:at + min(self.credit(), _MAX_BODY)]
                self.put(_frame(_ITEM, _REST, id_=self.id, body=piece),
                         len(piece))
                at += len(piece)
            return True

    def credit(self) -> int:
        return min(self.budget.left(), self.peer.budget.left())

    def wait_for_credit(self, cost: int, deadline: Optional[float]) -> bool:
        cost = min(cost, _LEAST_CREDIT)
        while not self.closed:
            if self.credit() >= cost and len(self.buffer) < _MAX_PENDING:
                return True
            self.peer.blocked.add(self)
            try:
                self.wait(deadline)
            finally:
                self.peer.blocked.discard(self)
        return False

    def put(self, frame: bytes, cost: int = 0) -> None:
        """Queues a frame: those that wait are written at once."""
        self.budget.sent += cost
        self.peer.spend(cost)
        self.cost += cost
        self.buffer += frame
        if self.outgoing is None:
            self.outgoing = _Outgoing(self.flush, of_stream=True)
            self.peer.put(self.outgoing)
        self.peer.enlarge(self.outgoing, len(frame))

    def flush(self) -> List[bytes]:
        data, self.buffer = bytes(self.buffer), bytearray()
        self.outgoing, self.cost = None, 0
        self.changed.notify_all()
        return [data]

    def end_output(self) -> None:
        """Sends END."""
        with self.sender, self.peer.lock:
            if not self.closed:
                self.put(_frame(_END, id_=self.id))
                self.closed = True
