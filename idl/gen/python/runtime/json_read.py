# --- JSON: text to values ----------------------------------------------------

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?"
    r"(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII)
_SECONDS = re.compile(
    r"([+-]?)(?=\.?\d)(0|[1-9]\d{0,11})?(?:\.(\d{0,9}))?s", re.ASCII)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})")
_WHOLE_KEY = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
_WORD = re.compile(r"\w{1,64}", re.ASCII)
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _from_json(type_: _Type, value: Any, depth: int = 0,
               strict: bool = False) -> Any:
    """Makes a plain value of what json.loads gives; see _from_json_fields."""
    read = _FROM_JSON.get(type_.kind)
    if read is not None:
        return read(type_, value)
    if type_.kind == "list":
        elems = _expect(value, list, "a list")
        return [_from_json_at(f"[{i}]", type_.elem, elem, depth, strict)
                for i, elem in enumerate(elems)]
    entries = _expect_object(value, f"an object for the {type_.kind}")
    if type_.kind == "map":
        pairs = [(_from_json_key(type_.key, key),
                  _from_json_at(f"[{_quote(key)}]", type_.elem, elem, depth,
                                strict, '["***"]'))
                 for key, elem in entries.items()]
        return _unique(pairs)
    if depth >= _MAX_DEPTH:
        raise _BadMessage(f"nested deeper than {_MAX_DEPTH}")
    what = "member" if type_.kind == "union" else "field"
    plain = _from_json_fields(type_.fields, entries, depth + 1,
                              f"{what} of {type_.cls.__name__}" if strict
                              else "")
    if type_.kind == "union" and len(plain) > 1:
        raise _BadMessage(f"a union with {len(plain)} members")
    return plain


def _from_json_at(place: str, type_: _Type, value: Any, depth: int,
                  strict: bool, masked_place: str = "") -> Any:
    try:
        return _from_json(type_, value, depth, strict)
    except _BadMessage as err:
        raise err.at(type_).within(place, masked_place) from None


def _from_json_fields(fields: Tuple[_Field, ...], entries: Dict[str, Any],
                      depth: int = 0, strict: str = "") -> Dict[int, Any]:
    """Makes plain values of the members of an object.

    strict is what a member is, for a server, which refuses members that it
    does not know; a client skips them, and gives "".
    """
    if strict:
        _refuse_unknown(fields, entries, strict)
    plain: Dict[int, Any] = {}
    for field in fields:
        for name in {field.name, field.json_name}:
            value = entries.get(name)
            if value is None:  # null is for absent
                continue
            if field.number in plain:
                raise _BadMessage("is there twice", field.name)
            try:
                plain[field.number] = _from_json(field.type, value, depth,
                                                 bool(strict))
            except _BadMessage as err:
                raise err.in_field(field) from None
    return plain


def _refuse_unknown(fields: Tuple[_Field, ...], entries: Dict[str, Any],
                    what: str) -> None:
    known = {name for field in fields
             for name in (field.name, field.json_name)}
    for name in entries:
        if name not in known:
            names = [field.name for field in fields]
            place = name if _WORD.fullmatch(name) else f"[{_quote(name)}]"
            raise _BadMessage(f"unknown {what}; {_instead(name, names)}",
                              place, f"unknown {what}", "***")


def _instead(name: str, names: List[str]) -> str:
    """Says what to write for an unknown name."""
    plain = {known.lower().replace("_", ""): known for known in names}
    near = difflib.get_close_matches(name[:64].lower().replace("_", ""),
                                     plain, 1)
    if near:
        return f'did you mean "{plain[near[0]]}"?'
    if not names:
        return "there is none"
    quoted = [f'"{known}"' for known in names]
    if len(quoted) > 8:
        quoted[8:] = [f"{len(quoted) - 8} more"]
    if len(quoted) == 1:
        return "there is " + quoted[0]
    return f"there are {', '.join(quoted[:-1])} and {quoted[-1]}"


def _from_json_key(type_: _Type, key: str) -> Any:
    if type_.kind == "bool":
        if key not in ("true", "false"):
            raise _BadMessage(f"a key {_quote(key)} where true or false is "
                              "wanted")
        return key == "true"
    if type_.kind in _RANGES and not _WHOLE_KEY.fullmatch(key):
        raise _BadMessage(f"a key {_quote(key)} where a whole number is "
                          "wanted")
    return _from_json(type_, str(int(key)) if type_.kind in _RANGES else key)


def _expect(value: Any, cls: Any, wanted: str) -> Any:
    if not isinstance(value, cls) or isinstance(value, bool) and cls != bool:
        text = json.dumps(value, default=str)
        raise _BadMessage(f"{_quote(text)} where {wanted} is wanted")
    return value


def _expect_object(value: Any, wanted: str) -> Any:
    _expect(value, dict, wanted)
    if isinstance(value, _Twice):
        raise _BadMessage(f"{_quote(value.name)} is there twice")
    return value


def _quote(text: str) -> str:
    """Quotes, escapes and shortens a text of the peer."""
    if len(text) > 64:
        return f"{json.dumps(text[:64])}... ({len(text)} characters)"
    return json.dumps(text)


def _read_bool(type_: _Type, value: Any) -> Any:
    return _expect(value, bool, "true or false")


def _read_int(type_: _Type, value: Any) -> int:
    if isinstance(value, str):
        value = _read_number(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number = int(_expect(value, int, "a whole number"))
    low, high = _RANGES[type_.kind]
    if not low <= number <= high:
        raise _BadMessage(f"{type_.kind} holds {low} to {high}")
    return number


def _read_float(type_: _Type, value: Any) -> float:
    if isinstance(value, str):
        value = _read_number(value)
    _expect(value, (int, float), "a number")
    try:
        return float(_lower_float(type_.kind, value))
    except (ValueError, OverflowError):
        raise _BadMessage(f"a number too large for a {type_.kind}") from None


def _read_number(text: str) -> Any:
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if not _NUMBER.fullmatch(text):
        raise _BadMessage(f"{_quote(text)} where a number is wanted")
    return _parse_json(text)


def _read_enum(type_: _Type, value: Any) -> int:
    if not isinstance(value, str):
        return _read_int(type_, value)
    for name, number in type_.values:
        if name == value:
            return int(number)
    raise _BadMessage(f"{type_.cls.__name__} has no value {_quote(value)}")


def _read_string(type_: _Type, value: Any) -> Any:
    text = _expect(value, str, "a string")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _BadMessage("a string with half of a surrogate pair")
    return text


def _read_bytes(type_: _Type, value: Any) -> bytes:
    text = _expect(value, str, "a string in base64")
    match = _BASE64.fullmatch(text)
    if not match or len(text) % 4 == 1 or match[1] and len(text) % 4:
        raise _BadMessage("a string that is not base64")
    text = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _read_timestamp(type_: _Type, value: Any) -> Tuple[int, int]:
    match = _RFC3339.fullmatch(_expect(value, str, "a time (RFC 3339)"))
    try:
        if not match:
            raise ValueError
        parts = [int(match[i]) for i in range(1, 7)]
        moment = datetime(*parts, tzinfo=timezone.utc)  # type: ignore
    except ValueError:
        raise _BadMessage(f"{_quote(value)} where a time such as "
                          '"2006-01-02T15:04:05.999Z" is wanted') from None
    offset = 0
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * 60
    since = moment - _EPOCH
    seconds = since.days * 86400 + since.seconds
    seconds += offset if match[8] == "-" else -offset
    return seconds, int((match[7] or "").ljust(9, "0"))


def _read_duration(type_: _Type, value: Any) -> int:
    match = _SECONDS.fullmatch(_expect(value, str, 'a duration ("1.5s")'))
    if not match:
        raise _BadMessage(f"{_quote(value)} where a duration such as "
                          '"1.5s" is wanted')
    nanos = int(match[2] or 0) * 10**9 + int((match[3] or "").ljust(9, "0"))
    if nanos >= 2**63:
        raise _BadMessage("a duration of more than 292 years")
    return -nanos if match[1] == "-" else nanos


_FROM_JSON: Dict[str, Callable[[_Type, Any], Any]] = {
    "bool": _read_bool, "int": _read_int, "long": _read_int,
    "uint": _read_int, "ulong": _read_int, "enum": _read_enum,
    "float": _read_float, "double": _read_float, "string": _read_string,
    "bytes": _read_bytes, "timestamp": _read_timestamp,
    "duration": _read_duration,
}


def _parse_json(text: Any) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_int=_whole,
                          parse_float=_finite, parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise _BadMessage(f"not JSON: {err}") from None


class _Twice(Dict[str, Any]):
    """An object that has a name twice; whoever reads it refuses it."""

    name = ""


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    entries = dict(pairs)
    if len(entries) == len(pairs):
        return entries
    twice = _Twice(entries)
    seen = set()
    for name, _ in pairs:
        if name in seen:
            twice.name = name
            break
        seen.add(name)
    return twice


def _whole(text: str) -> float:
    if len(text) > 400:  # int takes quadratic time
        raise ValueError(f"a number of {len(text)} digits")
    return -0.0 if text == "-0" else int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number too large for a double")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} must stand in quotes")
