# --- Constraints -------------------------------------------------------------

@dataclasses.dataclass
class FieldViolation:
    """One value of a call that is not as the definition wants it.

    field is its path, such as order.items[2].name; reason is the constraint,
    MIN, MAX, LEN, ITEMS or PATTERN.
    """

    field: str = ""
    description: str = ""
    reason: str = ""


@dataclasses.dataclass
class BadRequest:
    """The detail of an invalid_argument: each value that is not as wanted."""

    field_violations: List[FieldViolation] = dataclasses.field(
        default_factory=list)


_type_FieldViolation = _Type("struct", FieldViolation)
_type_FieldViolation.has(
    _Field(1, "field", _STRING),
    _Field(2, "description", _STRING),
    _Field(3, "reason", _STRING),
)
_type_BadRequest = _Type("struct", BadRequest,
                         full_name="google.rpc.BadRequest")
_type_BadRequest.has(
    _Field(1, "field_violations", _list(_type_FieldViolation)),
)

_MAX_VIOLATIONS = 32
_MAX_VIOLATION_BYTES = 6144  # of paths and texts, since an error carries them
_CUT_AT = 1024  # bytes of one path, and of one text


class _Checker:
    """Gathers the values that are not as the definition wants them.

    path is where a value is, hidden tells that nobody is to see it.
    """

    def __init__(self) -> None:
        self.found: List[FieldViolation] = []
        self.size = 0
        self.more = 0
        self.full = False  # no more are kept

    def fields(self, fields: Sequence[_Field], plain: Dict[int, Any],
               path: str, hidden: bool) -> None:
        for field in fields:
            if field.is_constrained() and (field.number in plain or not (
                    field.optional or field.required or field.cls)):
                self.field(field, plain.get(field.number, field.default),
                           path + field.name, hidden or field.sensitive)

    def field(self, field: _Field, value: Any, path: str,
              hidden: bool) -> None:
        type_ = field.type
        if type_.elem is None:
            self.value(field, type_, value, path, hidden)
            return
        if field.constraints and field.constraints.items:
            self.count("ITEMS", len(value), "element", path, hidden,
                       field.constraints.items)
        if type_.kind == "list":
            for i, elem in enumerate(value):
                self.value(field, type_.elem, elem, f"{path}[{i}]", hidden)
            return
        for key, elem in value.items():
            shown = str(key).lower() if key in (True, False) else str(key)
            shown = "***" if hidden else _quote(shown)
            self.value(field, type_.elem, elem, f"{path}[{shown}]", hidden)

    def value(self, field: _Field, type_: _Type, value: Any, path: str,
              hidden: bool) -> None:
        if type_.fields:
            self.fields(type_.fields, value, path + ".", hidden)
        wanted = field.constraints
        if wanted is None:
            return
        if wanted.len:
            self.count("LEN", len(value), "byte" if type_.kind == "bytes"
                       else "character", path, hidden, wanted.len)
        if wanted.pattern and not wanted.pattern.matches(value):
            self.fail("PATTERN", path, "" if hidden else
                      f"is {_quote(value)}, which ",
                      f"does not match the pattern {wanted.pattern.text}")
        if wanted.low and not value >= wanted.low[0]:
            self.bound("MIN", path, type_, value, hidden,
                       f"below the minimum {wanted.low[1]}")
        if wanted.high and not value <= wanted.high[0]:
            self.bound("MAX", path, type_, value, hidden,
                       f"above the maximum {wanted.high[1]}")

    def bound(self, reason: str, path: str, type_: _Type, value: Any,
              hidden: bool, text: str) -> None:
        has = "is " if hidden else f"is {_to_json(type_, value, True)}, "
        self.fail(reason, path, has, text)

    def count(self, reason: str, size: int, thing: str, path: str,
              hidden: bool, wanted: Tuple[int, Optional[int]]) -> None:
        low, high = wanted
        if low <= size and (high is None or size <= high):
            return
        if high is None:
            text = f"at least {_counted(low, thing)}"
        elif low == high:
            text = f"exactly {_counted(low, thing)}"
        elif low == 0:
            text = f"at most {_counted(high, thing)}"
        else:
            text = f"{low} to {_counted(high, thing)}"
        has = "" if hidden else f"has {_counted(size, thing)}, and "
        self.fail(reason, path, has, "takes " + text)

    def fail(self, reason: str, path: str, value: str, text: str) -> None:
        if self.full:
            self.more += 1
            return
        path, text = _cut(path), _cut(value + text)
        self.size += len((path + text + reason).encode())
        # The first is kept, or nothing would be wrong.
        if self.found and self.size > _MAX_VIOLATION_BYTES:
            self.full = True
            self.more += 1
            return
        self.found.append(FieldViolation(path, text, reason))
        self.full = len(self.found) == _MAX_VIOLATIONS


def _cut(text: str) -> str:
    """Gives the beginning of what is long: keys of maps are the sender's."""
    data = text.encode()
    if len(data) <= _CUT_AT:
        return text
    return data[:_CUT_AT].decode(errors="ignore") + "\u2026"


def _counted(size: int, thing: str) -> str:
    return f"{size} {thing}" if size == 1 else f"{size} {thing}s"


def _check(method: _Method, plain: Dict[int, Any], outcome: str,
           fields: Optional[Tuple[_Field, ...]] = None) -> None:
    """Raises an RpcError for arguments that are not as wanted.

    fields are those that plain is of: all of them, or of a stream's message.
    """
    if not method.params.is_constrained():
        return
    checker = _Checker()
    checker.fields(method.params.fields if fields is None else fields, plain,
                   "", False)
    if not checker.found:
        return
    texts = [f"{v.field} {v.description}" for v in checker.found[:3]]
    more = len(checker.found) - len(texts) + checker.more
    if more:
        texts.append(f"and {more} more")
    raise RpcError("invalid_argument", "; ".join(texts), outcome,
                   [BadRequest(checker.found)])
