# --- Streams: what callers and handlers have of them -------------------------

_Sent = TypeVar("_Sent")
_Received = TypeVar("_Received")


class ServerStream(Generic[_Received]):
    """The results of a call, as they come: for tick in client.ticks(3).

    Leaving the loop ends the stream as soon as nobody holds it; close and a
    with block end it in any case. Then the server is told, if it is not done.
    """

    def __init__(self, end: _CallerStream) -> None:
        self._end = end

    def __iter__(self) -> ServerStream[_Received]:
        return self

    def __next__(self) -> _Received:
        more, value = self._end.receive(None)
        if not more:
            raise StopIteration
        return value  # type: ignore

    def recv(self, timeout: Optional[float] = None) -> _Received:
        """Gives the next result; an EOFError at the end.

        Raises a TimeoutError if none comes within timeout seconds, and the
        stream goes on.
        """
        more, value = self._end.receive(timeout)
        if not more:
            raise EOFError("the stream has ended; it has no more results")
        return value  # type: ignore

    def close(self) -> None:
        """Ends the stream at once; what has not been read is dropped."""
        self._end.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._end.discard()


_Self = TypeVar("_Self", bound=ServerStream[Any])


class BidiStream(ServerStream[_Received], Generic[_Sent, _Received]):
    """A call that sends and receives at the same time, in any order.

    One thread may send while another one receives.
    """

    def send(self, value: _Sent) -> None:
        """Sends a value, when the server has room for it.

        Once the call has ended it raises what ended it; an EOFError if that
        is no error.
        """
        if not self._end.send(value):
            self._end.outcome()
            raise EOFError("the stream has ended; the server takes no more")

    def close_send(self) -> None:
        """Says that nothing more is sent; the server's results still come."""
        self._end.close_send()


class _CallerStream:
    """The caller's end of a stream, in terms of the definition."""

    def __init__(self, method: _Method, client: _MuxClient, call: _MuxCall,
                 stream: _MuxStream, timeout: Optional[float],
                 deadline: Optional[float], validate: bool) -> None:
        self.method = method
        self.client = client
        self.call = call
        self.stream = stream
        self.timeout = timeout
        self.deadline = deadline
        self.validate = validate

    def arguments(self, plain: Dict[int, Any]) -> None:
        """Sends those that are no stream, if the method has any."""
        if self.method.sends_arguments():
            self.put(_wire_fields(self.method.arguments, plain))
        if self.method.stream_field is None:
            self.close_send()

    def send(self, value: Any) -> bool:
        """Sends an element; False if the call has ended."""
        field = self.method.stream_field
        assert field
        lowered = _lower_field(field, value, "", 0)
        plain = {}
        if not _same(lowered, field.default):
            plain[field.number] = lowered
        if self.validate:
            _check(self.method, plain, "unknown", (field,))
        return self.put(_wire_fields((field,), plain))

    def put(self, message: bytes) -> bool:
        limit = min(self.client.limit, self.client.peer[_SET_MESSAGE])
        if len(message) > limit:
            raise RpcError("resource_exhausted", str(_TooLarge(
                "a message of a stream", len(message), limit)), "unknown")
        try:
            return self.stream.send(message, self.deadline)
        except TimeoutError:
            raise self.timed_out() from None

    def timed_out(self) -> RpcError:
        err = _timed_out(self.method, self.timeout, True)
        self.client.abandon(self.call, err)
        return err

    def close_send(self) -> None:
        self.stream.end_output()

    def receive(self, timeout: Optional[float]) -> Tuple[bool, Any]:
        """Gives whether there is another result, and which."""
        deadline = self.deadline
        if timeout is not None:
            deadline = time.monotonic() + timeout
            if self.deadline is not None:
                deadline = min(deadline, self.deadline)
        try:
            message = self.stream.receive(deadline)
        except TimeoutError:
            if deadline == self.deadline:
                raise self.timed_out() from None
            raise TimeoutError(f"nothing came of {self.method.name} within "
                               f"{timeout:g} s; the stream goes on") from None
        if message is None:
            self.outcome()
            return False, None
        try:
            result = _read_result(self.method, _WireReader(message))
        except _BadMessage as err:
            self.close()
            raise _unfit(self.method, err) from None
        try:
            return True, _lift_outcome(self.method, 1, result)
        except _BadMessage as err:
            self.close()
            raise RpcError("out_of_range", str(err)) from None

    def outcome(self) -> None:
        """Raises by what the call has ended, unless all went well."""
        if self.stream.failure:
            raise RpcError(*self.stream.failure)
        try:
            status, plain = self.client.outcome(self.method, self.call)
        except (_BadMessage, _Fault) as err:
            raise _unfit(self.method, err) from None
        _lift_outcome(self.method, status, plain)

    def close(self) -> None:
        self.client.abandon(self.call, RpcError(
            "canceled", "the stream was closed", "unknown"))

    def discard(self) -> None:
        """Is close for the garbage collector, which must not wait."""
        self.client.discarded.put(self.call)

    def gather(self, values: Iterable[Any]) -> Any:
        """Sends values and gives the one result."""
        try:
            for value in values:
                if not self.send(value):
                    break  # the server answers without the rest
            self.close_send()
            results = []
            more, result = self.receive(None)
            while more:
                results.append(result)
                more, result = self.receive(None)
            if len(results) != 1:
                raise RpcError("internal", f"the server answered to "
                               f"{self.method.name} with {len(results)} "
                               "results, not one")
            return results[0]
        finally:
            self.close()


class _Elements:
    """What a handler iterates over: the elements that its caller sends."""

    def __init__(self, end: _HandlerStream) -> None:
        self._end = end

    def __iter__(self) -> _Elements:
        return self

    def __next__(self) -> Any:
        field = self._end.method.stream_field
        plain = self._end.receive((field,))
        if plain is None:
            raise StopIteration
        return _lift(field.type, plain.get(field.number, field.default))


class _HandlerStream:
    """The handler's end of a stream, in terms of the definition."""

    def __init__(self, method: _Method, stream: _MuxStream, call: ServerCall,
                 limit: int) -> None:
        self.method = method
        self.stream = stream
        self.call = call
        self.limit = limit

    def arguments(self) -> Dict[str, Any]:
        """Waits for the arguments that are no stream; gives all of them."""
        method, plain = self.method, {}
        if method.sends_arguments():
            received = self.receive(method.arguments)
            if received is None:
                raise RpcError("invalid_argument",
                               f"{method.name} lacks its arguments")
            plain = received
        values = _lift_fields(method.arguments, plain)
        if method.stream_field:
            values[method.stream_field.attr] = _Elements(self)
        return values

    def receive(self, fields: Any) -> Optional[Dict[int, Any]]:
        """Gives the next message, None at the end."""
        try:
            message = self.stream.receive(self.call.deadline)
        except TimeoutError:
            raise self.late() from None
        if message is None:
            return None
        try:
            plain = _WireReader(message).fields(fields)
        except _BadMessage as err:
            raise RpcError("invalid_argument", str(err)) from None
        for field in fields:
            if field.required and field.number not in plain:
                raise RpcError("invalid_argument",
                               f"{self.method.name} lacks {field.name}")
        _check(self.method, plain, "answered", fields)
        return plain

    def late(self) -> RpcError:
        return RpcError("deadline_exceeded",
                        f"the time for {self.method.name} is over")

    def send(self, plain: Any) -> None:
        """Sends a result. Raises an RpcError if nobody takes it."""
        message = _wire_fields(self.method.results.fields,
                               _result_fields(self.method, plain))
        if len(message) > self.limit:
            raise RpcError("resource_exhausted", str(_TooLarge(
                "a message of a stream", len(message), self.limit)))
        if self.call.time_left() == 0:
            raise self.late()
        try:
            taken = self.stream.send(message, self.call.deadline)
        except TimeoutError:
            raise self.late() from None
        if not taken:
            raise RpcError(*(self.stream.failure or (
                "canceled", "the caller is gone")))

    def send_all(self, results: Any, lower: Callable[[Any], Any]) -> None:
        """Sends what a handler yields, and ends it when it is left."""
        try:
            for result in results:
                self.send(lower(result))
        finally:
            close = getattr(results, "close", None)
            if close:
                close()


def _no_streams(method: _Method, may_have_run: bool) -> RpcError:
    return RpcError("unimplemented", f"{method.name} has a stream, which "
                    "this module carries over mux alone: call mux://host:port",
                    "answered" if may_have_run else "not started")
