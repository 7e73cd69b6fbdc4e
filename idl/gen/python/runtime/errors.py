# --- Errors ------------------------------------------------------------------

class RpcError(Exception):
    """A call that failed other than by a declared exception.

    code is one of gRPC's names, such as "unavailable" or "invalid_argument".
    outcome is "answered" where the server answered with the error, "not
    started" where it certainly did not run the call, so that it is safe to
    send again, and else "unknown". A handler raises an RpcError to choose
    the code that its caller sees.

    details are structs and exceptions of definitions that say more. A caller
    gets one back by its class, err.detail(Quota). They travel on mux and line;
    basic has no place for them. More than 16, or 8 KiB, are left off.
    """

    def __init__(self, code: str, message: str, outcome: str = "answered",
                 details: Sequence[Any] = ()) -> None:
        super().__init__(code, message, outcome)
        self.code = code
        self.message = message
        self.outcome = outcome
        self.details = tuple(details)

    def detail(self, cls: Any) -> Any:
        """Gives the first detail of a class, None where there is none."""
        found = self.details_of(cls)
        return found[0] if found else None

    def details_of(self, cls: Any) -> List[Any]:
        """Gives the details of a class; what cannot be read is left out."""
        found: List[Any] = []
        for detail in self.details:
            if isinstance(detail, cls):
                found.append(detail)
            elif isinstance(detail, _Detail):
                try:
                    found.append(detail.lift(cls))
                except ValueError:
                    pass
        return found

    @property
    def may_have_run(self) -> bool:
        """Whether the server may have run the call."""
        return self.outcome != "not started"

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class _Detail:
    """A detail as it came over a network: the full name of a type, and data.

    data is bytes in protobuf's wire format, or a value of JSON. A handler may
    pass one on in an error of its own, of a type too that it does not know.
    """

    def __init__(self, name: str, data: Any, is_json: bool = False) -> None:
        self.name = name
        self.data = data
        self.is_json = is_json

    def __repr__(self) -> str:  # only the type would say what is sensitive
        return f"_Detail({self.name!r}, ***)"

    def lift(self, cls: Any) -> Any:
        """Makes an object of the class, or raises a ValueError."""
        type_ = getattr(cls, "_yodel_type", None)
        if type_ is None or type_.full_name != self.name:
            raise ValueError(f"the detail is a {self.name}, not {cls!r}")
        try:
            plain = (_from_json(type_, self.data) if self.is_json
                     else _WireReader(self.data).fields(type_.fields))
        except _BadMessage as err:
            raise ValueError(f"the detail {self.name}: {err}") from None
        return _lift_struct(type_, plain)


_MAX_DETAILS = 16
_MAX_DETAIL_BYTES = 8192  # of names and data, and 5 for each detail
_DETAIL_NAME = re.compile("[A-Za-z0-9_.]{1,256}")


def _encode_detail(detail: Any, as_json: bool) -> Tuple[_Detail, bytes]:
    """Gives a detail as it is sent, and its data as bytes."""
    if not hasattr(detail, "is_json"):  # a _Detail, of whichever module
        type_ = getattr(type(detail), "_yodel_type", None)
        if type_ is None:
            raise _wrong_type(detail, "a struct or an exception")
        plain = _lower(type_, detail, type_.full_name)
        detail = _Detail(type_.full_name, _to_json(type_, plain, True)
                         if as_json else _wire_fields(type_.fields, plain),
                         as_json)
    if detail.is_json:
        return detail, json.dumps(detail.data, ensure_ascii=False).encode()
    return detail, bytes(detail.data)


def _encode_details(details: Sequence[Any], as_json: bool,
                    limit: int) -> List[Tuple[_Detail, bytes]]:
    """Gives the details that fit."""
    encoded: List[Tuple[_Detail, bytes]] = []
    for detail in details:
        detail, data = _encode_detail(detail, as_json)
        limit -= 5 + len(detail.name) + len(data)
        if limit < 0 or len(encoded) == _MAX_DETAILS:
            _log.warning("details of an error were left off: %d of %d are "
                         "sent", len(encoded), len(details))
            break
        encoded.append((detail, data))
    return encoded


def _received(details: List[_Detail]) -> List[_Detail]:
    """Checks details that came, and gives those within the bounds."""
    kept: List[_Detail] = []
    left = _MAX_DETAIL_BYTES
    for detail in details:
        if not _DETAIL_NAME.fullmatch(detail.name):
            raise _BadMessage(f"{_quote(detail.name)} is no name of a type")
        left -= 5 + len(detail.name) + len(_encode_detail(detail, False)[1])
        if left < 0 or len(kept) == _MAX_DETAILS:
            break
        kept.append(detail)
    return kept


_CODES = (  # in the order of their numbers, from 1
    "canceled", "unknown", "invalid_argument", "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted",
    "failed_precondition", "aborted", "out_of_range", "unimplemented",
    "internal", "unavailable", "data_loss", "unauthenticated",
)


class _BadMessage(Exception):
    """Bytes of the peer that do not fit the definition.

    path is where: points[2].x; empty for the whole of them. masked is the
    problem, and masked_path the path, without a word of the peer's, for what
    is sensitive; an empty masked is that a value does not fit.
    """

    def __init__(self, problem: str, path: str = "", masked: str = "",
                 masked_path: str = "") -> None:
        super().__init__(problem, path)
        self.problem = problem
        self.path = path
        self.masked = masked
        self.masked_path = masked_path

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem

    def within(self, name: str, masked_name: str = "") -> _BadMessage:
        """Gives the error for what has this one at a name or an [index]."""
        return _BadMessage(self.problem, _joined(name, self.path), self.masked,
                           _joined(masked_name or name, self.masked_path))

    def at(self, type_: _Type) -> _BadMessage:
        """Gives the error for a value of a type, which is this one's cause."""
        return _BadMessage(self.problem, self.path,
                           self.masked or _misfit(type_), self.masked_path)

    def in_field(self, field: _Field) -> _BadMessage:
        """Gives the error for what has this one in a field."""
        err = self.at(field.type)
        if field.sensitive:
            err = _BadMessage(err.masked, err.masked_path, err.masked,
                              err.masked_path)
        return err.within(field.name)


def _joined(name: str, path: str) -> str:
    dot = "." if path and path[0] != "[" else ""
    return name + dot + path
