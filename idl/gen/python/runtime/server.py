# --- Servers -----------------------------------------------------------------

_FIRST_BYTES = {b"\0": _Basic, b"{": _Line, b" ": _Line, b"\t": _Line,
                b"\r": _Line, b"\n": _Line}

_log = logging.getLogger("yodel")
_thread = threading.local()  # call is what the thread's handler answers


class ServerCall:
    """What a handler can learn about its call, by current_call().

    deadline is when the caller stops waiting, by time.monotonic, or None;
    cancelled is set when the caller gives up or its connection ends; metadata
    is what the caller sent, each key with its values. The basic and the line
    protocol tell none of these.
    """

    def __init__(self, deadline: Optional[float] = None,
                 metadata: Optional[Dict[str, List[str]]] = None) -> None:
        self.deadline = deadline
        self.cancelled = threading.Event()
        self.metadata = metadata or {}

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
            code = str(err.code)
            raise RpcError(code if code in _CODES else "unknown",
                           str(err.message))
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


class _Connection:
    """An accepted connection: answers its requests in turn."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.stream = _Stream(sock, server.limit)
        self.heard = False  # a request, and no mere blank lines
        self.mux: Optional[_MuxServer] = None  # guarded by the server's state

    def run(self) -> None:
        try:
            self.serve()
        except (OSError, EOFError, _Fault) as err:
            _log.info("a connection was closed: %s", err)
        except Exception:
            _log.exception("a connection was closed by a bug")
        finally:
            self.server._forget(self)

    def serve(self) -> None:
        first_by = time.monotonic() + self.server.first_timeout
        self.stream.deadline = first_by
        if not self.stream.fill() or not _open(self, self.server.tls):
            return
        first = bytes(self.stream.buffer[:1])
        if first == _MAGIC[:1]:
            self.serve_mux()
            return
        protocol = _FIRST_BYTES.get(first)
        if protocol is None:
            _log.info("a connection was closed: its first byte, %r, is of no "
                      "protocol that is served here", first)
            return
        while self.serve_next(protocol):
            self.stream.deadline = None if self.heard else first_by
            if not self.stream.buffer and not self.stream.fill():
                return

    def serve_mux(self) -> None:
        mux = _MuxServer(self.server, self.stream)
        self.server._set_mux(self, mux)
        mux.greet()
        mux.run()

    def serve_next(self, protocol: Any) -> bool:
        """Answers one request; False where the connection shall end."""
        self.set_deadline()
        try:
            request = protocol.read_request(self.stream)
        except _TooLarge as err:
            self.stream.write(protocol.error(
                RpcError("resource_exhausted", str(err))))
            self.stream.linger()
            return False
        if request is None:
            return True
        self.heard = True
        answer = self.answer(protocol, request)
        self.set_deadline()
        self.stream.write(answer)
        return True

    def set_deadline(self) -> None:
        self.stream.deadline = time.monotonic() + self.server.message_timeout

    def answer(self, protocol: Any, request: Any) -> bytes:
        try:
            answer = bytes(protocol.answer(self.server, request))
        except RpcError as err:
            return bytes(protocol.error(err))
        except _BadMessage as err:
            return bytes(protocol.error(
                RpcError("invalid_argument", str(err))))
        except BaseException as err:  # above all a result of a wrong type
            _report(err, "an answer failed")
            return bytes(protocol.error(_internal()))
        if len(answer) > self.server.limit:
            return bytes(protocol.error(
                RpcError("resource_exhausted", f"an answer of {len(answer)} "
                         f"bytes; the limit is {self.server.limit}")))
        return answer

    def retire(self) -> None:
        """Ends the connection once all that has arrived is answered."""
        if self.mux:
            self.mux.drain()
        else:
            self.cut(socket.SHUT_RD)  # which leaves what has arrived

    def cut(self, how: int = socket.SHUT_RDWR) -> None:
        try:
            self.stream.sock.shutdown(how)
        except OSError:
            pass  # the other side was faster


class Server:
    """Answers calls on a port, one connection after another.

    address is (host, port); port 0 picks a free one, which the attribute
    address tells. services are made from handlers. limit is the bytes of a
    message in each direction, first_timeout the seconds until a connection's
    first request begins, message_timeout those for the rest of a message. The
    basic, the line and the mux protocol are answered on the same port. With
    tls, an ssl.SSLContext that has a certificate, all of them are inside TLS,
    and nothing is answered without.
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
                select.select([self._listener, self._wake], [], [])
                connection = self._accept()
                if connection:
                    self._start(connection)
            for connection in list(iter(self._accept, None)):
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
            select.select([self._wake], [], [], 0.1)
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

        Connections are closed once the calls that have arrived are answered,
        mux ones once the caller knows; those whose calls take longer than
        timeout seconds are cut. Not for handlers: it would wait for the very
        call that it is called from.
        """
        with self._state:
            if not self._stopping:
                self._stopping = True
                self._waker.send(b"\0")
            for connection in self._connections:
                connection.retire()
            self._state.wait_for(self._ended, timeout)
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
