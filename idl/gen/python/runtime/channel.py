# --- Connections and channels ------------------------------------------------

_SCHEMES = ("basic", "line", "mux")
_LIMIT = 4 << 20  # bytes of a message
_MAX_NAME = 256  # bytes of a method's name
_MESSAGE_TIME = 30  # seconds that an answer which has begun has as a whole
_LEAST_RATE = 16 << 10  # bytes a second, behind that time
_MAX_WAIT = 10**6  # seconds; sockets and threads cannot wait much longer


class _TooLarge(Exception):
    """A message over the limit: the connection cannot go on behind it."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} of {size} bytes; the limit is {limit}")


def _readable(sockets: List[Any], deadline: Optional[float]) -> bool:
    """Waits for bytes on one of the sockets; False if none are in time."""
    left = None
    if deadline is not None:
        left = min(max(0.0, deadline - time.monotonic()), _MAX_WAIT)
    if not hasattr(select, "poll"):  # which has no limit of descriptors
        return bool(select.select(sockets, [], [], left)[0])
    poll = select.poll()
    for sock in sockets:
        poll.register(sock, select.POLLIN)
    return bool(poll.poll(None if left is None else left * 1000))


class _Stream:
    """A socket, a buffer of what it received, and the times for its use."""

    def __init__(self, sock: socket.socket, limit: int) -> None:
        self.sock: Any = sock  # or a _TlsSocket
        self.limit = limit
        self.buffer = bytearray()
        self.deadline: Optional[float] = None  # by time.monotonic
        self.message_time: Optional[float] = None  # see expect
        self.began: Optional[float] = None  # the message
        self.arrived = 0  # bytes of it
        self.blocked: Optional[float] = None  # since when a write waits
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def expect(self, message_time: Optional[float],
               began: Optional[float] = None) -> None:
        """Begins to read a message, which has a time as a whole.

        That counts from its first byte, or from began; each 16 KiB of it
        that arrive give it a second more. Without it the deadline holds.
        """
        self.message_time = message_time
        self.arrived = len(self.buffer)
        self.began = began
        if began is None and self.buffer:
            self.began = time.monotonic()

    def fill(self) -> bool:
        """Receives more bytes; False at the end of the connection."""
        while True:
            self.sock.settimeout(0)
            try:
                data = self.sock.recv(65536)
                break
            except BlockingIOError:
                self.wait()
        if self.began is None:
            self.began = time.monotonic()
        self.arrived += len(data)
        self.buffer += data
        return bool(data)

    def wait(self) -> None:
        """Waits for bytes while there is time for them."""
        if not _readable([self.sock], self.read_by()):
            raise self.late()

    def read_by(self) -> Optional[float]:
        if self.message_time is None or self.began is None:
            return self.deadline
        return self.began + self.message_time + self.arrived // _LEAST_RATE

    def late(self) -> Exception:
        if self.message_time is None or not self.arrived:
            return socket.timeout("timed out")
        return EOFError("a message was not whole in its time: "
                        f"{self.arrived} bytes of it had come")

    def read(self, size: int) -> bytes:
        while len(self.buffer) < size:
            if not self.fill():
                raise EOFError("the connection ended within a message")
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def read_line(self) -> bytes:
        searched = 0
        while True:
            end = self.buffer.find(b"\n", searched)
            size = len(self.buffer) if end < 0 else end
            if size > self.limit:
                raise _TooLarge("a line", size, self.limit)
            if end >= 0:
                return self.read(end + 1)
            searched = len(self.buffer)
            if not self.fill():
                raise EOFError("the connection ended within a line")

    def write(self, data: bytes) -> None:
        """Writes in parts, so that blocked tells whether they move."""
        view = memoryview(data)
        for at in range(0, len(view), _LEAST_RATE):
            self.blocked = time.monotonic()
            left = None
            if self.deadline is not None:
                left = self.deadline - self.blocked
                if left <= 0:
                    raise socket.timeout("timed out")
            self.sock.settimeout(left)
            self.sock.sendall(view[at:at + _LEAST_RATE])
        self.blocked = None

    def linger(self, seconds: float = 1) -> None:
        """Lets the other side read the last words.

        Closing a socket with unread bytes would take them back.
        """
        end = time.monotonic() + seconds
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while True:
                self.sock.settimeout(max(0.001, end - time.monotonic()))
                if not self.sock.recv(65536) or time.monotonic() > end:
                    return
        except OSError:
            pass

    def ended(self) -> bool:
        """Takes in what has arrived; tells whether the other side has ended.

        It takes no more than a message may have, and sees no end behind that.
        """
        try:
            self.sock.settimeout(0)
            while len(self.buffer) <= self.limit:
                data = self.sock.recv(65536)
                if not data:
                    return True
                self.buffer += data
        except BlockingIOError:
            pass
        except OSError:
            return True
        return False

    def close(self) -> None:
        self.sock.close()


def _parse_address(address: str) -> Tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f'address {address!r} is not "host:port", such as '
                         '"127.0.0.1:8000" or "[::1]:8000"')
    if not 1 <= int(port) <= 65535:
        raise ValueError(f"address {address!r}: there is no port {port}; "
                         "ports are 1 to 65535")
    return host.strip("[]"), int(port)


class _Link:
    """The connection of a channel: made at need, one call at a time."""

    def __init__(self, address: str, protocol: Any, limit: int,
                 tls: Optional[ssl.SSLContext]) -> None:
        self.address = _parse_address(address)
        self.tls = tls
        self.protocol = protocol
        self.limit = limit
        self.lock = threading.Lock()
        self.stream: Optional[_Stream] = None
        self.closed = False

    def call(self, method: _Method, plain: Dict[int, Any],
             timeout: Optional[float],
             metadata: Mapping[str, List[str]]) -> Tuple[int, Any]:
        request = self.protocol.request(method, plain)
        if len(request) > self.limit:
            raise RpcError("resource_exhausted", str(_TooLarge(
                "a request", len(request), self.limit)), "not started")
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self.lock.acquire(timeout=-1 if timeout is None else timeout):
            raise _timed_out(method, timeout, False)
        try:
            stream = self.connect(method, timeout, deadline)
            return self.exchange(stream, method, request, timeout)
        finally:
            self.lock.release()

    def connect(self, method: _Method, timeout: Optional[float],
                deadline: Optional[float]) -> _Stream:
        if self.closed:
            raise ValueError("the channel is closed; make another")
        if self.stream and (self.stream.ended() or self.stream.buffer):
            self.drop()
        if self.stream is None:
            self.stream = _Stream(_dial(self.address, self.tls, method,
                                        timeout, deadline), self.limit)
        self.stream.deadline = deadline
        return self.stream

    def exchange(self, stream: _Stream, method: _Method, request: bytes,
                 timeout: Optional[float]) -> Tuple[int, Any]:
        """Sends a request and receives the answer, or drops the stream."""
        answer = None
        try:
            stream.write(request)
            stream.expect(_MESSAGE_TIME if timeout is None else None)
            status, value = self.protocol.receive(stream, method)
            if status < 255 or value.outcome == "answered":
                answer = status, value
            return status, value
        except socket.timeout:
            raise _timed_out(method, timeout, True) from None
        except (OSError, EOFError) as err:
            raise RpcError(
                "unavailable", f"the connection broke during {method.name}: "
                f"{err}; the next call connects anew", "unknown") from err
        except _TooLarge as err:
            raise RpcError("resource_exhausted", str(err)) from None
        except _BadMessage as err:
            raise _unfit(method, err) from None
        finally:
            if answer is None:
                self.drop()

    def drop(self) -> None:
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def close(self) -> None:
        with self.lock:
            self.closed = True
            self.drop()


def _dial(address: Tuple[str, int], tls: Optional[ssl.SSLContext],
          method: _Method, timeout: Optional[float],
          deadline: Optional[float]) -> Any:
    left = None
    if deadline is not None:
        left = max(deadline - time.monotonic(), 0.001)
    try:
        sock = socket.create_connection(address, left)
        if tls is None:
            return sock
        try:
            return _secure(sock, address, tls, deadline)
        except BaseException:
            sock.close()
            raise
    except socket.timeout:
        raise _timed_out(method, timeout, False) from None
    except _TlsError as err:
        raise RpcError("unavailable", str(err), "not started") from err
    except OSError as err:
        host, port = address
        raise RpcError(
            "unavailable", f"cannot connect to {host}:{port}: {err}; check "
            "the address, and that the server runs", "not started") from err


def _timed_out(method: _Method, timeout: Optional[float],
               may_have_run: bool) -> RpcError:
    outcome = "unknown" if may_have_run else "not started"
    if timeout is None:  # it was the network's own
        return RpcError("unavailable", f"no answer to {method.name}: timed out"
                        " below; check the address and the network", outcome)
    return RpcError("deadline_exceeded", f"no answer to {method.name} within "
                    f"{timeout:g} s; a channel's timeout sets the time",
                    outcome)


def _unfit(method: _Method, err: Exception) -> RpcError:
    return RpcError("internal", f"the answer to {method.name} does not fit: "
                    f"{err}; are both sides made from the same definition?")


class Channel:
    """A connection to a server, for the clients that are made with it.

    target is "host:port", which speaks mux, the protocol that carries many
    calls at once, as does "mux://host:port"; "basic://host:port" speaks what
    servers of any origin do, and "line://host:port" JSON lines. timeout is
    the seconds that a call may take, None for as long as the definition says,
    else for ever; limit the bytes of a message in each direction. The
    connection is made by the first call, and anew by the first after it broke.
    It is TLS if tls is True, which takes the system's authorities, or an
    ssl.SSLContext, or if the scheme has an s behind it, as "muxs://host:port".
    Threads may share a channel: their calls run at the same time with mux,
    else one after another. validate has the channel check the constraints of
    the definition, as the server does, before it sends a call.
    """

    def __init__(self, target: str, timeout: Optional[float] = None,
                 limit: int = _LIMIT, tls: Any = None,
                 validate: bool = False) -> None:
        scheme, separator, address = target.rpartition("://")
        if scheme[-1:] == "s":  # inside TLS
            scheme, tls = scheme[:-1], tls or True
        if separator and scheme not in _SCHEMES:
            raise ValueError(f"{target!r}: this module speaks "
                             f"{', '.join(_SCHEMES)}, and with TLS "
                             f"{'s, '.join(_SCHEMES)}s, not {scheme}")
        scheme = scheme or "mux"
        context = _client_context(tls, scheme)
        self._link: Any = None
        if scheme == "mux":
            self._link = _MuxLink(address, limit, context)
        else:
            protocol = _Line if scheme == "line" else _Basic
            self._link = _Link(address, protocol, limit, context)
        self.timeout = self._check_timeout(timeout)
        self._metadata: Dict[str, List[str]] = {}
        self._validate = validate

    @staticmethod
    def _check_timeout(timeout: Optional[float]) -> Optional[float]:
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"a timeout of {timeout} s; None is for none")
        return timeout

    def with_timeout(self, timeout: Optional[float]) -> Channel:
        """Gives the same connection with another timeout for its calls."""
        channel = copy.copy(self)
        channel.timeout = self._check_timeout(timeout)
        return channel

    def with_metadata(self, metadata: Mapping[str, Any]) -> Channel:
        """Gives the same connection with something that its calls carry.

        A value is a string, or several in a list. Mux alone carries metadata.
        """
        if not isinstance(self._link, _MuxLink):
            raise ValueError("the basic and line protocols carry no metadata;"
                             " mux://host:port does")
        channel = copy.copy(self)
        channel._metadata = {**self._metadata, **_check_metadata(metadata)}
        return channel

    def close(self) -> None:
        """Closes the connection, once the running calls have ended."""
        self._link.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _call(self, method: _Method, args: Dict[str, Any]) -> Any:
        values: Any = ()
        if method.stream_field:
            values = args.get(method.stream_field.attr)
        plain = _lower_fields(method.arguments, args)
        if self._validate:
            _check(method, plain, "not started", method.arguments)
        timeout = method.timeout if self.timeout is None else self.timeout
        if timeout is not None:
            timeout = min(timeout, _MAX_WAIT)
        if method.is_stream():
            return self._stream(method, plain, values, timeout)
        status, plain_result = self._link.call(method, plain, timeout,
                                               self._metadata)
        try:
            return _lift_outcome(method, status, plain_result)
        except _BadMessage as err:
            raise RpcError("out_of_range", str(err)) from None

    def _stream(self, method: _Method, plain: Dict[int, Any], values: Any,
                timeout: Optional[float]) -> Any:
        if not isinstance(self._link, _MuxLink):
            raise _no_streams(method, False)
        end = self._link.stream(method, plain, timeout, self._metadata,
                                self._validate)
        if method.stream_field is None:
            return ServerStream(end)
        return BidiStream(end) if method.server_stream else end.gather(values)


def _caller(channel: Channel, methods: _Methods) -> Callable[..., Any]:
    def call(attr: str, /, **args: Any) -> Any:
        return channel._call(methods.by_attr[attr], args)
    return call
