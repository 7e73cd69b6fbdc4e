# --- Handlers and their calls ------------------------------------------------

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
        if self.method.is_stream():
            raise _no_streams(self.method, True)
        for field in self.method.params.fields:
            if field.required and field.number not in plain:
                raise RpcError("invalid_argument",
                               f"{self.method.name} lacks {field.name}")
        _check(self.method, plain, "answered")
        args = _lift_fields(self.method.params.fields, plain)
        _thread.call = call or ServerCall()
        try:
            return 1, self.lower_result(self.handler(**args))
        except BaseException as err:
            _raise_if_meant_for_the_program(err)
            return self.failure(err)
        finally:
            _thread.call = None

    def run_stream(self, end: _HandlerStream, call: ServerCall
                   ) -> Tuple[int, Any]:
        """Calls the handler of a stream; the result is void, for all that
        there is was sent before.
        """
        _thread.call = call
        try:
            result = self.handler(**end.arguments())
            if self.method.server_stream:
                end.send_all(result, self.lower_result)
            else:
                end.send(self.lower_result(result))
            return 1, None
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
