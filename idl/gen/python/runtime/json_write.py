# --- JSON, as in ProtoJSON: values to text -----------------------------------

def _to_json(type_: _Type, plain: Any, full: bool) -> Any:
    """Gives what json.dumps takes.

    full adds the fields that equal their defaults, for readers who do not
    know those; what is absent is null.
    """
    kind = type_.kind
    if kind == "list":
        return [_to_json(type_.elem, elem, full) for elem in plain]
    if kind == "map":
        return {_json_key(key): _to_json(type_.elem, plain[key], full)
                for key in sorted(plain)}
    if kind in ("struct", "union"):
        return _json_fields(type_.fields, plain, full and kind == "struct",
                            full)
    convert = _TO_JSON.get(kind)
    return plain if convert is None else convert(type_, plain)


def _json_fields(fields: Tuple[_Field, ...], plain: Dict[int, Any],
                 every: bool, full: bool) -> Dict[str, Any]:
    entries = {}
    for field in fields:
        if field.number in plain:
            value = plain[field.number]
            entries[field.json_name] = _to_json(field.type, value, full)
        elif every:
            absent = field.optional or _is_absent(field.type, field.default)
            entries[field.json_name] = None if absent else _to_json(
                field.type, field.default, full)
    return entries


def _is_absent(type_: _Type, plain: Any) -> bool:
    return (type_.kind == "union" and not plain
            or type_.kind == "timestamp" and plain == _NO_TIME)


def _json_key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _json_float(type_: _Type, plain: float) -> Any:
    if not math.isfinite(plain):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(plain, "NaN")
    if plain.is_integer() and abs(plain) < 1e15 and repr(plain) != "-0.0":
        return int(plain)
    if type_.kind == "double":
        return plain
    return _shortest(plain)


def _shortest(single: float) -> float:
    """Gives the number of the fewest digits that rounds to a 32-bit float."""
    for digits in range(1, 9):
        short = float(f"{single:.{digits}g}")
        fits = abs(short) < 3.4028236e38  # larger ones round to infinity
        if fits and _lower_float("float", short) == single:
            return short
    return float(f"{single:.9g}")


def _json_enum(type_: _Type, plain: int) -> Any:
    for name, number in type_.values:
        if number == plain:
            return name
    return plain


def _json_timestamp(type_: _Type, plain: Tuple[int, int]) -> str:
    moment = _EPOCH + timedelta(seconds=plain[0])
    text = moment.replace(tzinfo=None).isoformat()
    return text + _fraction(plain[1]) + "Z"


def _json_duration(type_: _Type, plain: int) -> str:
    seconds, nanos = divmod(abs(plain), 10**9)
    sign = "-" if plain < 0 else ""
    return f"{sign}{seconds}{_fraction(nanos)}s"


def _fraction(nanos: int) -> str:
    """Gives the part after the seconds in 0, 3, 6 or 9 digits."""
    digits = f"{nanos:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return digits and "." + digits


_TO_JSON: Dict[str, Callable[[_Type, Any], Any]] = {
    "long": lambda type_, plain: str(plain),
    "ulong": lambda type_, plain: str(plain),
    "float": _json_float, "double": _json_float, "enum": _json_enum,
    "bytes": lambda type_, plain: base64.b64encode(plain).decode(),
    "timestamp": _json_timestamp, "duration": _json_duration,
}
