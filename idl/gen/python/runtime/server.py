# --- Servers -----------------------------------------------------------------

_FIRST_BYTES = {b"\0": _Basic, b"{": _Line, b" ": _Line, b"\t": _Line,
                b"\r": _Line, b"\n": _Line}

_PARTING = 0.1  # seconds of silence that end a connection at a shutdown
_LAST_WORDS = 1  # seconds for a message to become whole, or to be taken, then

_log = logging.getLogger("yodel")
_thread = threading.local()  # call is what the thread's handler answers


class ServerCall:
    """What a handler can learn about its call, by current_call().

    deadline is when the caller stops waiting, by time.monotonic, or None;
    cancelled is set when the caller gives up or its connection ends; metadata
    is what the caller sent, each key with its values. The basic and the line
    protocol tell none of these but the connection's end, which sets cancelled
    within 100 ms, once the handler has asked for cancelled.
    """

    def __init__(self, deadline: Optional[float] = None,
                 metadata: Optional[Dict[str, List[str]]] = None,
                 look: Optional[Callable[[ServerCall], None]] = None) -> None:
        self.deadline = deadline
        self.metadata = metadata or {}
        self._cancelled = threading.Event()
        self._look = look

    @property
    def cancelled(self) -> threading.Event:
        if self._look and not self._cancelled.is_set():
            self._look(self)
        return self._cancelled

    def time_left(self) -> Optional[float]:
        """Gives the seconds until the deadline, or None."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - time.monotonic())


def current_call() -> ServerCall:
    """Gives the call that the handler in this thread answers."""
    call = getattr(_thread, "call", None)
    if call is None:
        raise RuntimeError("no handler of this module's servers runs in this "
                           "thread; ask in the handler, and hand it on")
    return call  # type: ignore


class _Bound:
    """A method and the handler that answers it."""

    def __init__(self, method: _Method, handler: Any) -> None:
        self.method = method
        self.handler = handler

    def run(self, plain: Dict[int, Any],
            call: Optional[ServerCall] = None) -> Tuple[int, Any]:
        """Calls the handler; gives what _lift_outcome takes."""
        if self.method.stream:
            raise _no_streams(self.method, True)
        for field in self.method.params.fields:
            if field.required and field.number not in plain:
                raise RpcError("invalid_argument",
                               f"{self.method.name} lacks {field.name}")
        args = _lift_fields(self.method.params.fields, plain)
        _thread.call = call or ServerCall()
        try:
            return 1, self.lower_result(self.handler(**args))
        except BaseException as err:
            _raise_if_meant_for_the_program(err)
            return self.failure(err)
        finally:
            _thread.call = None

    def lower_result(self, value: Any) -> Any:
        if self.method.result is None:
            return None
        if self.method.optional and value is None:
            return None
        return _lower(self.method.result, value, "result")

    def failure(self, err: Any) -> Tuple[int, Any]:
        for status, declared in enumerate(self.method.exceptions, 2):
            if isinstance(err, declared.cls):
                return status, _lower_fields(declared.fields, vars(err))
        if hasattr(err, "may_have_run"):  # an RpcError, of whichever module
            code, details = str(err.code), getattr(err, "details", ())
            try:
                for detail in details:  # whatever protocol it is sent on
                    _encode_detail(detail, True)
                    _encode_detail(detail, False)
            except BaseException as bad:
                _report(bad, "the details of an error of %s cannot be sent",
                        self.method.name)
                raise _internal() from None
            raise RpcError(code if code in _CODES else "unknown",
                           str(err.message),
                           details=details)
        _report(err, "the handler of %s failed", self.method.name)
        raise _internal()


def _raise_if_meant_for_the_program(err: BaseException) -> None:
    """Raises what ends a program, such as a KeyboardInterrupt, in its thread.

    In a thread of the server's own it would end nothing but the thread, and
    costs the call that it came up in.
    """
    if (not isinstance(err, Exception)
            and threading.current_thread() is threading.main_thread()):
        raise err


def _report(err: BaseException, text: str, *args: object) -> None:
    """Logs an error of the program's; the log's handlers may fail, too."""
    _raise_if_meant_for_the_program(err)
    try:
        _log.error(text, *args, exc_info=err)
    except BaseException as again:
        _raise_if_meant_for_the_program(again)


def _internal() -> RpcError:
    return RpcError("internal",
                    "the handler failed; the server's log says where")


def _bind(methods: _Methods, handlers: Any) -> List[Tuple[_Method, Any]]:
    """Pairs each method with its handler, or raises a TypeError."""
    pairs = []
    for method in methods.by_attr.values():
        handler = getattr(handlers, method.attr, None)
        params = {field.attr: None for field in method.params.fields}
        if not method.stream:
            if handler is None:
                raise TypeError(f"{type(handlers).__name__} lacks the method "
                                f"{method.attr} of {methods.name}")
            try:
                inspect.signature(handler).bind(**params)
            except TypeError as err:
                raise TypeError(f"{type(handlers).__name__}.{method.attr} does"
                                f" not take its arguments: {err}") from None
        pairs.append((method, handler))
    return pairs


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


class Server:
    """Answers calls on a port, one connection after another.

    address is (host, port); port 0 picks a free one, which the attribute
    address tells. services are made from handlers. limit is the bytes of a
    message in each direction. first_timeout is the seconds until the first
    request of a new connection is there, message_timeout those from another
    message's first byte to its last, both with a second more for each 16 KiB
    that have arrived, and those to write an answer. The basic, the line and
    the mux protocol are answered on the same port. With tls, an ssl.SSLContext
    that has a certificate, all of them are inside TLS, and nothing is answered
    without.
    """

    _workers = 1  # threads that run handlers for one mux connection

    def __init__(self, address: Tuple[str, int], *services: Any,
                 limit: int = _LIMIT, first_timeout: float = 10,
                 message_timeout: float = 30,
                 tls: Optional[ssl.SSLContext] = None) -> None:
        self.limit = limit
        self.tls = tls
        self.first_timeout = first_timeout
        self.message_timeout = message_timeout
        self._methods: Dict[str, List[_Bound]] = {}
        for service in services:
            self._add(service)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._listener = socket.create_server(address, family=family)
        self._listener.setblocking(False)
        self.address = self._listener.getsockname()[:2]
        self._wake, self._waker = socket.socketpair()
        self._state = threading.Condition()  # guards what follows
        self._connections: Set[_Connection] = set()
        self._serving = False
        self._stopping = False
        self._stopped_at = 0.0

    def _add(self, service: Any) -> None:
        methods = service._methods
        for method, handler in service._handlers:
            bound = _Bound(method, handler)
            name = method.name
            full = f"{methods.package}.{methods.name}/{name}"
            short = f"{methods.name}.{name}"
            if short in self._methods:
                raise ValueError(f"two services answer to {short}; serve them "
                                 "on two servers")
            self._methods[full] = self._methods[short] = [bound]
            self._methods.setdefault(name, []).append(bound)

    def _find(self, name: str) -> _Bound:
        found = self._methods.get(name, [])
        own = [bound for bound in found if bound.method.wire_name == name]
        for candidates in (found, own):
            if len(candidates) == 1:
                return candidates[0]
        if found:
            raise RpcError("unimplemented", f"several services have a method "
                           f"{_quote(name)}; call Service.{name}")
        names = [key for key in self._methods if "." not in key]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise RpcError("unimplemented", f"unknown method {_quote(name)}; this "
                       f"server has {', '.join(names[:5]) or 'none'}{more}")

    def serve_forever(self) -> None:
        """Answers calls until shutdown is called from another thread."""
        with self._state:
            if self._stopping:
                return
            self._serving = True
        try:
            while not self._stopping:
                _readable([self._listener, self._wake], None)
                connection = self._accept()
                if connection:
                    self._start(connection)
            last = list(iter(self._accept, None))
            self._listener.close()  # who comes later is to know at once
            for connection in last:
                self._start(connection)
        finally:
            with self._state:
                self._serving = False
                self._state.notify_all()

    def _accept(self) -> Optional[_Connection]:
        """Gives a connection that somebody has made, if there is one."""
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return None  # the client was gone before it was accepted
        except OSError as err:  # no file descriptors left: wait for some
            _log.warning("cannot accept a connection: %s", err)
            _readable([self._wake], time.monotonic() + 0.1)
            return None
        try:
            connection = _Connection(self, sock)
        except OSError:
            sock.close()
            return None
        with self._state:
            self._connections.add(connection)
            if self._stopping:
                connection.retire()
        return connection

    def _start(self, connection: _Connection) -> None:
        connection.run()

    def _forget(self, connection: _Connection) -> None:
        connection.stream.close()
        with self._state:
            self._connections.discard(connection)
            self._state.notify_all()

    def _set_mux(self, connection: _Connection, mux: _MuxServer) -> None:
        with self._state:
            connection.mux = mux
            if self._stopping:
                mux.drain()

    def shutdown(self, timeout: float = 30) -> None:
        """Stops accepting and lets running calls end, then returns.

        Connections are closed once the calls that have arrived are answered
        and the caller knows: those that still come are refused, not started.
        Connections whose calls take longer than timeout seconds are cut. Not
        for handlers: it would wait for the very call that it is called from.
        """
        with self._state:
            if not self._stopping:
                self._stopped_at = time.monotonic()
                self._stopping = True
                self._waker.send(b"\0")
            for connection in self._connections:
                connection.retire()
            end = time.monotonic() + timeout
            while not self._state.wait_for(
                    self._ended, min(0.25, max(0, end - time.monotonic()))):
                if time.monotonic() >= end:
                    break
                for connection in self._connections:
                    connection.hurry(self._stopped_at)
            for connection in self._connections:
                connection.cut()
            for sock in (self._listener, self._wake, self._waker):
                sock.close()

    def _ended(self) -> bool:
        return not self._connections and not self._serving

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()


class ThreadServer(Server):
    """A Server with a thread for each connection.

    A mux connection has as many as calls run on it at once, up to 32.
    """

    _workers = 32

    def _start(self, connection: _Connection) -> None:
        thread = threading.Thread(target=connection.run, daemon=True)
        try:
            thread.start()
        except RuntimeError as err:  # no more threads
            _log.warning("cannot serve a connection: %s", err)
            self._forget(connection)
