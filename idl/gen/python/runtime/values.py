# --- Values ------------------------------------------------------------------
#
# A codec sees plain values only. _lower makes them of a user's values, with
# every check; _lift makes user's values of them:
#
#     enum       its number
#     timestamp  (seconds since 1970, nanoseconds); None is _NO_TIME
#     duration   nanoseconds
#     struct     {field number: plain value}, without what equals its default
#     union      the same with at most one field
#     others     bool, int, float, str, bytes, list, dict

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NO_TIME = (-62135596800, 0)  # the first second of the year 1
_MAX_DEPTH = 100

_RANGES = {
    "int": (-2**31, 2**31 - 1),
    "long": (-2**63, 2**63 - 1),
    "uint": (0, 2**32 - 1),
    "ulong": (0, 2**64 - 1),
    "enum": (-2**31, 2**31 - 1),
    "duration": (-2**63, 2**63 - 1),
}

_ZEROS = {
    "bool": False, "int": 0, "long": 0, "uint": 0, "ulong": 0, "enum": 0,
    "float": 0.0, "double": 0.0, "string": "", "bytes": b"",
    "timestamp": _NO_TIME, "duration": 0,
    "list": [], "map": {}, "struct": {}, "union": {},
}


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


class _Type:
    """A type of the definition; kind is "int", "list", "struct", ..."""

    def __init__(self, kind: str, cls: Any = None, *, elem: Any = None,
                 key: Any = None, values: Any = (),
                 full_name: str = "") -> None:
        self.kind = kind
        self.cls = cls  # the class of an enum, struct, union or exception
        self.elem = elem  # of a list or a map
        self.key = key  # of a map
        self.values = values  # of an enum: pairs of name and number
        self.fields: Tuple[_Field, ...] = ()  # in ascending number
        self.full_name = full_name  # of a struct or an exception
        if full_name:
            cls._yodel_type = self  # by which details know their class

    def has(self, *fields: _Field) -> None:
        """Sets the fields, which may be of types that did not exist before."""
        self.fields = tuple(sorted(fields, key=lambda field: field.number))


class _Exception(_Type):
    """A declared exception: a struct with a name, and a text for it."""

    def __init__(self, name: str, cls: Any, text: str,
                 full_name: str = "") -> None:
        super().__init__("struct", cls, full_name=full_name)
        self.name = name
        self.text = text  # the message where no field is
        self.message: Optional[_Field] = None
        self.others: Tuple[_Field, ...] = ()  # the fields but for the message

    def has(self, *fields: _Field) -> None:
        super().has(*fields)
        self.message = next((field for field in fields if field.is_message()),
                            None)
        self.others = tuple(field for field in self.fields
                            if field is not self.message)


class _Field:
    """A field of a struct, a member of a union, or a parameter."""

    def __init__(self, number: int, name: str, type_: _Type,
                 default: Any = None, *, attr: str = "", cls: Any = None,
                 optional: bool = False, required: bool = False,
                 sensitive: bool = False) -> None:
        self.number = number
        self.name = name
        self.json_name = re.sub("_(.?)", lambda m: m[1].upper(), name)
        self.attr = attr or name  # its name in Python
        self.cls = cls  # of a union's member
        self.type = type_
        self.default = _ZEROS[type_.kind] if default is None else default
        if type_.kind == "float":
            self.default = _lower_float("float", self.default)
        self.optional = optional
        self.required = required
        self.sensitive = sensitive  # its value is shown to nobody

    def is_message(self) -> bool:
        """Tells whether it is what an exception says."""
        return (self.name == "message" and self.type.kind == "string"
                and not self.optional)


class _Method:
    """A method of a service. Protocols send its parameters as a struct.

    Mux sends its result as one, too, with the one field results.
    """

    def __init__(self, name: str, *params: _Field,
                 result: Optional[_Type] = None, attr: str = "",
                 optional: bool = False, stream: bool = False,
                 timeout: Optional[float] = None,
                 exceptions: Sequence[_Exception] = ()) -> None:
        self.name = name
        self.attr = attr or name
        self.params = _Type("struct")
        self.params.has(*params)
        self.result = result  # None for void
        self.optional = optional  # the result may be None
        self.results = _Type("struct")
        if result:
            self.results.has(_Field(1, "result", result, optional=optional))
        self.stream = stream
        self.timeout = timeout
        self.exceptions = exceptions
        self.wire_name = name  # what a client calls it
        self.full_name = name  # with package and service


class _Methods:
    """The methods of a service; own is that of a file's bare functions."""

    def __init__(self, package: str, name: str, *methods: _Method,
                 own: bool = False) -> None:
        self.package = package
        self.name = name
        self.by_attr = {method.attr: method for method in methods}
        for method in methods:
            method.full_name = f"{package}.{name}/{method.name}"
            if not own:
                method.wire_name = f"{name}.{method.name}"


_BOOL = _Type("bool")
_INT = _Type("int")
_LONG = _Type("long")
_UINT = _Type("uint")
_ULONG = _Type("ulong")
_FLOAT = _Type("float")
_DOUBLE = _Type("double")
_STRING = _Type("string")
_BYTES = _Type("bytes")
_TIMESTAMP = _Type("timestamp")
_DURATION = _Type("duration")


def _misfit(type_: _Type) -> str:
    """Says that a value which is not to be shown does not fit."""
    return f"*** is no {type_.kind} that fits"


def _masked(value: Any, *sensitive: str) -> str:
    """Gives the repr of a dataclass with *** for attributes."""
    shown = []
    for field in dataclasses.fields(value):
        hide = field.name in sensitive
        text = "***" if hide else repr(getattr(value, field.name))
        shown.append(f"{field.name}={text}")
    return f"{type(value).__qualname__}({', '.join(shown)})"


def _list(elem: _Type) -> _Type:
    return _Type("list", elem=elem)


def _map(key: _Type, elem: _Type) -> _Type:
    return _Type("map", elem=elem, key=key)


def _unknown_enum(cls: Any, number: object) -> Any:
    """Makes a member of an enum for a number that has no name."""
    low, high = _RANGES["enum"]
    if not isinstance(number, int) or not low <= number <= high:
        raise ValueError(f"{number!r} is no number of {cls.__name__}")
    member = int.__new__(cls, number)
    member._name_ = str(number)
    member._value_ = number
    return member


def _lower(type_: _Type, value: Any, path: str, depth: int = 0) -> Any:
    """Makes a value plain. Errors are a TypeError or ValueError with path."""
    lower = _LOWER.get(type_.kind)
    if lower is not None:
        return lower(type_, value, path, depth)
    try:
        return _LOWER_SCALAR[type_.kind](type_.kind, value)
    except ValueError as err:
        raise ValueError(f"{path}: {err}") from None
    except TypeError as err:
        raise TypeError(f"{path}: {err}") from None


def _wrong_type(value: object, wanted: str) -> TypeError:
    return TypeError(f"{type(value).__name__} where {wanted} is wanted")


def _lower_bool(kind: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, "bool")
    return value


def _lower_int(kind: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise _wrong_type(value, "int")
    number = operator.index(value)
    low, high = _RANGES[kind]
    if not low <= number <= high:
        raise ValueError(f"{kind} holds {low} to {high}, not {number}")
    return number


def _lower_float(kind: str, value: Any) -> float:
    if not hasattr(value, "__float__"):
        raise _wrong_type(value, "float")
    layout = ">f" if kind == "float" else ">d"
    try:
        packed = struct.pack(layout, float(value))
    except OverflowError:
        raise ValueError(f"the number is too large for a {kind}") from None
    return float(struct.unpack(layout, packed)[0])


def _lower_string(kind: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, "str")
    value.encode()  # a lone surrogate has no UTF-8
    return value


def _lower_bytes(kind: str, value: Any) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise _wrong_type(value, "bytes")
    return bytes(value)


def _lower_timestamp(kind: str, value: Any) -> Tuple[int, int]:
    if value is None:
        return _NO_TIME
    if not isinstance(value, datetime):
        raise _wrong_type(value, "datetime")
    if value.utcoffset() is None:
        raise ValueError("the datetime has no time zone; give it one, "
                         "such as tzinfo=timezone.utc")
    try:
        since = value.astimezone(timezone.utc) - _EPOCH
    except OverflowError:
        raise ValueError(f"{value} is not within the years 1 to 9999 in UTC"
                         ) from None
    return since.days * 86400 + since.seconds, since.microseconds * 1000


def _lower_duration(kind: str, value: Any) -> int:
    if not isinstance(value, timedelta):
        raise _wrong_type(value, "timedelta")
    return _lower_int(kind, value // timedelta(microseconds=1) * 1000)


def _lower_list(type_: _Type, value: Any, path: str, depth: int) -> Any:
    if value is None:
        return []
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{path}: {_wrong_type(value, 'a list')}")
    return [_lower(type_.elem, elem, f"{path}[{i}]", depth)
            for i, elem in enumerate(value)]


def _lower_map(type_: _Type, value: Any, path: str, depth: int) -> Any:
    if value is None:
        return {}
    if not hasattr(value, "items"):
        raise TypeError(f"{path}: {_wrong_type(value, 'a dict')}")
    return {_lower(type_.key, key, f"a key of {path}", depth):
            _lower(type_.elem, elem, f"{path}[{key!r}]", depth)
            for key, elem in value.items()}


def _lower_struct(type_: _Type, value: Any, path: str, depth: int) -> Any:
    if not isinstance(value, type_.cls):
        raise TypeError(f"{path}: {_wrong_type(value, type_.cls.__name__)}")
    _check_depth(depth, path)
    return _lower_fields(type_.fields, vars(value), path + ".", depth + 1)


def _lower_union(type_: _Type, value: Any, path: str, depth: int) -> Any:
    if value is None:
        return {}
    _check_depth(depth, path)
    for field in type_.fields:
        if isinstance(value, field.cls):
            inner = _lower_field(field, value.value, path + ".", depth + 1)
            return {field.number: inner}
    wanted = f"a {type_.cls.__name__} or None"
    raise TypeError(f"{path}: {_wrong_type(value, wanted)}")


def _check_depth(depth: int, path: str) -> None:
    if depth >= _MAX_DEPTH:
        raise ValueError(f"{path}: nested deeper than {_MAX_DEPTH}")


_LOWER: Dict[str, Callable[[_Type, Any, str, int], Any]] = {
    "list": _lower_list, "map": _lower_map, "struct": _lower_struct,
    "union": _lower_union,
}

_LOWER_SCALAR: Dict[str, Callable[[str, Any], Any]] = {
    "bool": _lower_bool, "int": _lower_int, "long": _lower_int,
    "uint": _lower_int, "ulong": _lower_int, "enum": _lower_int,
    "float": _lower_float, "double": _lower_float, "string": _lower_string,
    "bytes": _lower_bytes, "timestamp": _lower_timestamp,
    "duration": _lower_duration,
}


def _lower_fields(fields: Tuple[_Field, ...], values: Mapping[str, Any],
                  path: str = "", depth: int = 0) -> Dict[int, Any]:
    plain = {}
    for field in fields:
        value = values[field.attr]
        if field.optional and value is None:
            continue
        lowered = _lower_field(field, value, path, depth)
        if (field.optional or field.required
                or not _same(lowered, field.default)):
            plain[field.number] = lowered
    return plain


def _lower_field(field: _Field, value: Any, path: str, depth: int) -> Any:
    path += field.name
    try:
        return _lower(field.type, value, path, depth)
    except (TypeError, ValueError) as err:
        if not field.sensitive:
            raise
        cls = TypeError if isinstance(err, TypeError) else ValueError
    raise cls(f"{path}: {_misfit(field.type)}")


def _same(plain: Any, default: Any) -> bool:
    if isinstance(plain, float):  # tells 0.0 from -0.0, and takes NaN for NaN
        return repr(plain) == repr(float(default))
    return bool(plain == default)


def _lift(type_: _Type, plain: Any) -> Any:
    """Makes a user's value of a plain one. Any error is a _BadMessage."""
    lift = _LIFT.get(type_.kind)
    return plain if lift is None else lift(type_, plain)


def _lift_timestamp(type_: _Type, plain: Any) -> Optional[datetime]:
    if plain == _NO_TIME:
        return None
    seconds, nanos = plain
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise _BadMessage("a timestamp is outside the years 1 to 9999, "
                          "which is all that datetime holds") from None


def _lift_duration(type_: _Type, plain: Any) -> timedelta:
    return timedelta(microseconds=plain // 1000)


def _lift_enum(type_: _Type, plain: Any) -> Any:
    return type_.cls(plain)


def _lift_list(type_: _Type, plain: Any) -> Any:
    return [_lift(type_.elem, elem) for elem in plain]


def _lift_map(type_: _Type, plain: Any) -> Any:
    return {key: _lift(type_.elem, elem) for key, elem in plain.items()}


def _lift_struct(type_: _Type, plain: Any) -> Any:
    return type_.cls(**_lift_fields(type_.fields, plain))


def _lift_union(type_: _Type, plain: Any) -> Any:
    for field in type_.fields:
        if field.number in plain:
            return field.cls(_lift(field.type, plain[field.number]))
    return None


_LIFT: Dict[str, Callable[[_Type, Any], Any]] = {
    "timestamp": _lift_timestamp, "duration": _lift_duration,
    "enum": _lift_enum, "list": _lift_list, "map": _lift_map,
    "struct": _lift_struct, "union": _lift_union,
}


def _lift_fields(fields: Tuple[_Field, ...],
                 plain: Dict[int, Any]) -> Dict[str, Any]:
    values = {}
    for field in fields:
        if field.number in plain:
            values[field.attr] = _lift(field.type, plain[field.number])
        elif field.optional:
            values[field.attr] = None
        else:
            values[field.attr] = _lift(field.type, field.default)
    return values


def _lift_outcome(method: _Method, status: int, plain: Any) -> Any:
    """Gives the result of a call, or raises what the server answered.

    status is 1 for a result, 2 and up for a declared exception, in the order
    of declaration, 255 for an RpcError. plain is None for a result that is
    void or absent.
    """
    if status == 255:
        raise plain
    if status >= 2:
        declared = method.exceptions[status - 2]
        raise _lift_struct(declared, plain)
    if method.result is None or plain is None:
        return None
    return _lift(method.result, plain)
