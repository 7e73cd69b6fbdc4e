# --- A server's connections --------------------------------------------------

_FIRST_BYTES = {b"\0": _Basic, b"{": _Line, b" ": _Line, b"\t": _Line,
                b"\r": _Line, b"\n": _Line}

_PARTING = 0.1  # seconds of silence that end a connection at a shutdown
_LAST_WORDS = 1  # seconds for a message to become whole, or to be taken, then


class _Drained(Exception):
    """The server shuts down, and no more requests have to be answered."""


class _ServerStream(_Stream):
    """A connection's stream, whose reads know when the server shuts down.

    What has arrived by then is read. A message of which a part has has a
    second to become whole, and is run; those behind it are refused, for a
    second at most, or until none comes for a moment.
    """

    def __init__(self, sock: socket.socket, server: Server) -> None:
        super().__init__(sock, server.limit)
        self.server = server
        self.heard = False  # a request, and no mere blank lines
        self.read_on = False  # since the server began to shut down
        self.left: Optional[int] = None  # requests to run; None for any number
        self.refused = False  # one was
        self.rest_by = self.drain_by = 0.0

    def fill(self) -> bool:
        if self.server._stopping:
            if self.read_on:
                self.settle()
            self.read_on = True
        return super().fill()

    def wait(self) -> None:
        if self.server._stopping:
            self.settle()
            resting = not self.arrived and not self.refused
            if not _readable([self.sock],
                             self.rest_by if resting else self.drain_by):
                raise _Drained
        elif not _readable([self.sock, self.server._wake], self.read_by()):
            raise self.late()

    def settle(self) -> None:
        """Decides which requests have arrived, at the shutdown."""
        if self.left is None:
            self.left = 1 if self.arrived else 0
            since = self.server._stopped_at
            if self.heard:
                since = time.monotonic()
            self.rest_by = since + _PARTING
            self.drain_by = since + _LAST_WORDS

    def admits(self) -> bool:
        """Tells whether the request that has been read is to run."""
        if self.left == 0:
            self.refused = True
        elif self.left:
            self.left -= 1
        return not self.refused

    def ran(self) -> None:
        if self.left is not None:
            self.rest_by = time.monotonic() + _PARTING
            self.drain_by = max(self.drain_by, self.rest_by)


class _Connection:
    """An accepted connection: answers its requests in turn."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.stream = _ServerStream(sock, server)
        self.mux: Optional[_MuxServer] = None  # guarded by the server's state
        self.looking = threading.Lock()  # guards what follows
        self.call: Optional[ServerCall] = None  # which a handler answers
        self.asked = False  # for the end of that call
        self.watching = False

    def run(self) -> None:
        try:
            self.serve()
        except _Drained:
            if self.stream.heard:
                self.stream.linger(_PARTING)
        except (OSError, EOFError, _Fault) as err:
            _log.info("a connection was closed: %s", err)
        except Exception:
            _log.exception("a connection was closed by a bug")
        finally:
            self.server._forget(self)

    def serve(self) -> None:
        stream, time_each = self.stream, self.server.message_timeout
        first_by = time.monotonic() + self.server.first_timeout
        stream.deadline = first_by
        stream.expect(time_each, first_by - time_each)
        if not stream.fill():
            return
        stream.blocked = time.monotonic()  # by the TLS handshake
        if not _open(self, self.server.tls):
            return
        stream.blocked = None
        first = bytes(stream.buffer[:1])
        if first == _MAGIC[:1]:
            self.serve_mux()
            return
        protocol = _FIRST_BYTES.get(first)
        if protocol is None:
            _log.info("a connection was closed: its first byte, %r, is of no "
                      "protocol that is served here", first)
            return
        while self.serve_next(protocol):
            stream.deadline = None
            stream.expect(time_each,
                          None if stream.heard else first_by - time_each)
            if not stream.buffer and not stream.fill():
                return

    def serve_mux(self) -> None:
        mux = _MuxServer(self.server, self.stream)
        self.server._set_mux(self, mux)
        mux.greet()
        mux.run()

    def serve_next(self, protocol: Any) -> bool:
        """Answers one request; False where the connection shall end."""
        try:
            request = protocol.read_request(self.stream)
        except _TooLarge as err:
            self.write(protocol.error(RpcError("resource_exhausted",
                                               str(err))))
            self.stream.linger()
            return False
        if request is None:
            return True
        self.stream.heard = True
        if self.stream.admits():
            self.write(self.answer(protocol, request))
            self.stream.ran()
        else:
            self.write(protocol.error(RpcError(
                "unavailable", "the server is shutting down"), refused=True))
        return True

    def write(self, answer: bytes) -> None:
        self.stream.deadline = time.monotonic() + self.server.message_timeout
        self.stream.write(answer)

    def answer(self, protocol: Any, request: Any) -> bytes:
        self.call = call = ServerCall(look=self.look)
        try:
            answer = bytes(protocol.answer(self.server, request, call))
        except RpcError as err:
            return bytes(protocol.error(err))
        except _BadMessage as err:
            return bytes(protocol.error(
                RpcError("invalid_argument", str(err))))
        except BaseException as err:  # above all a result of a wrong type
            _report(err, "an answer failed")
            return bytes(protocol.error(_internal()))
        finally:
            with self.looking:  # whoever looks uses the stream
                self.call, self.asked = None, False
        if len(answer) > self.server.limit:
            return bytes(protocol.error(
                RpcError("resource_exhausted", f"an answer of {len(answer)} "
                         f"bytes; the limit is {self.server.limit}")))
        return answer

    def look(self, call: ServerCall) -> None:
        """Looks for the connection's end, and goes on to until the call's."""
        with self.looking:
            if self.call is not call:
                return
            self.asked = True
            if self.see_end(call) or self.watching:
                return
            self.watching = True
        try:
            threading.Thread(target=self.watch, daemon=True).start()
        except RuntimeError as err:  # no more threads
            _log.warning("cannot watch a connection: %s", err)
            self.watching = False

    def see_end(self, call: ServerCall) -> bool:
        if self.stream.ended():
            call._cancelled.set()
        return call._cancelled.is_set()

    def watch(self) -> None:
        """Looks now and then, while calls run that asked for it."""
        while True:
            time.sleep(0.05)
            with self.looking:
                if not self.call or not self.asked or self.see_end(self.call):
                    self.watching = False
                    return

    def retire(self) -> None:
        """Ends the connection once all that has arrived is answered.

        Reads of the other protocols see the shutdown by themselves.
        """
        if self.mux:
            self.mux.drain()

    def hurry(self, since: float) -> None:
        """Cuts it if its peer has been taking nothing for a second."""
        blocked = self.stream.blocked
        if (blocked is not None
                and max(blocked, since) + _LAST_WORDS < time.monotonic()):
            self.cut()

    def cut(self) -> None:
        try:
            self.stream.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
