# --- The mux protocol: a call at the server ----------------------------------

class _Incoming:
    """A call that was read and is not answered yet."""

    def __init__(self, id_: int, bound: _Bound, call: ServerCall,
                 pieces: _Pieces) -> None:
        self.id = id_
        self.bound = bound
        self.call = call
        self.pieces = pieces
        self.stream: Optional[_MuxStream] = None
        self.promised = 0  # bytes that its answer may take
        self.running = False
        self.refused: Optional[RpcError] = None  # before it was whole
        self.details = 0  # bytes of an error's that the caller takes

    def answer(self, limit: int) -> List[bytes]:
        """Runs the handler and gives the frames of the answer."""
        refusal = self.refusal()
        if refusal:
            return [_error_frame(self.id, _NOT_STARTED, refusal)]
        try:
            return self.frames(limit)
        except RpcError as err:
            return [_error_frame(self.id, 0, err, self.details)]
        except _BadMessage as err:
            return [_error_frame(self.id, 0,
                                 RpcError("invalid_argument", str(err)))]
        except BaseException as err:  # above all a result of a wrong type
            _report(err, "an answer failed")
            return [_error_frame(self.id, 0, _internal())]

    def refusal(self) -> Optional[RpcError]:
        """Gives why the handler shall not even start."""
        if self.refused:
            return self.refused
        if self.call.cancelled.is_set():
            return RpcError("canceled", "the caller gave up")
        if self.call.time_left() == 0:
            return RpcError("deadline_exceeded", "the time was over before "
                            "the handler could start")
        return None

    def frames(self, limit: int) -> List[bytes]:
        method = self.bound.method
        status, value = self.outcome(limit)
        kind, number, fields = _RESULT, 0, method.results.fields
        if status >= 2:
            kind, number = _EXCEPTION, status - 2
            fields = method.exceptions[number].fields
        else:
            value = _result_fields(method, value)
        message = _wire_fields(fields, value)
        if len(message) > limit:
            raise RpcError("resource_exhausted", str(_TooLarge(
                "an answer", len(message), limit)))
        return _message_frames(kind, 0, number, self.id, b"", message)

    def outcome(self, limit: int) -> Tuple[int, Any]:
        """Runs the handler; gives what _lift_outcome takes."""
        if self.stream:
            return self.bound.run_stream(_HandlerStream(
                self.bound.method, self.stream, self.call, limit), self.call)
        plain = _WireReader(self.pieces.data).fields(
            self.bound.method.params.fields)
        return self.bound.run(plain, self.call)


def _result_fields(method: _Method, value: Any) -> Dict[int, Any]:
    """Gives the fields of a result's message."""
    if value is None or not (method.optional or not _same(
            value, method.results.fields[0].default)):
        return {}
    return {1: value}


class _MethodNames:
    """The names that a caller has given to numbers (section 4)."""

    def __init__(self) -> None:
        self.by_number: Dict[int, bytes] = {}

    def read(self, frame: _Frame) -> bytes:
        """Takes the name from a CALL, or gives that of its number."""
        known = self.by_number.get(frame.method)
        if not frame.flags & _NAME:
            if known is None:
                raise _Fault(f"a call of method number {frame.method}, which "
                             "has no name")
            return known
        size = frame.number(2, "a name's length")
        if not 1 <= size <= _SETTINGS_BY_DEFAULT[_SET_NAME]:
            raise _Fault(f"a method's name of {size} bytes, where 1 to "
                         f"{_SETTINGS_BY_DEFAULT[_SET_NAME]} are allowed")
        name = frame.take(size, "a method's name")
        if frame.method >= _SETTINGS_BY_DEFAULT[_SET_METHODS]:
            raise _Fault(f"method number {frame.method}, where those below "
                         f"{_SETTINGS_BY_DEFAULT[_SET_METHODS]} are allowed")
        if self.by_number.setdefault(frame.method, name) != name:
            raise _Fault(f"method number {frame.method} has two names")
        return name
