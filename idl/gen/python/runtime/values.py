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
_MAX_DEPTH = 100


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
