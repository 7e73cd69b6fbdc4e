# --- The mux protocol: the connection of a channel ---------------------------

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

    def stream(self, method: _Method, plain: Dict[int, Any],
               timeout: Optional[float], metadata: Mapping[str, List[str]],
               validate: bool) -> _CallerStream:
        """Begins a call with a stream, and sends the other arguments."""
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            client, call = self.begin(method, b"", timeout, deadline,
                                      metadata)
        except TimeoutError:
            raise _timed_out(method, timeout, False) from None
        assert call.stream
        end = _CallerStream(method, client, call, call.stream, timeout,
                            deadline, validate)
        try:
            end.arguments(plain)
        except BaseException:
            end.close()
            raise
        return end

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
                client.close_streams()
                client.state.notify_all()
                client.state.wait_for(
                    lambda: client.over or not any(
                        not call.abandoned for call in client.calls.values()))
            client.close()
