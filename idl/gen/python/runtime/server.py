# --- Servers -----------------------------------------------------------------

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
