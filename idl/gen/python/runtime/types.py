# --- Types and methods -------------------------------------------------------

_NO_TIME = (-62135596800, 0)  # the first second of the year 1

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
        self._constrained: Optional[bool] = None
        if full_name:
            cls._yodel_type = self  # by which details know their class

    def has(self, *fields: _Field) -> None:
        """Sets the fields, which may be of types that did not exist before."""
        self.fields = tuple(sorted(fields, key=lambda field: field.number))

    def is_constrained(self) -> bool:
        """Tells whether it holds a field with constraints, however deep."""
        if self._constrained is None:
            met, left = {self}, [self]
            self._constrained = False
            while left:
                for field in left.pop().fields:
                    self._constrained |= field.constraints is not None
                    inner = field.type.elem or field.type
                    if inner not in met:
                        met.add(inner)
                        left.append(inner)
        return self._constrained


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
                 sensitive: bool = False, stream: bool = False,
                 constraints: Optional[_Constraints] = None) -> None:
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
        self.stream = stream  # a parameter of which elements travel
        self.constraints = constraints

    def is_constrained(self) -> bool:
        """Tells whether its values have constraints, however deep."""
        inner = self.type.elem or self.type
        return self.constraints is not None or inner.is_constrained()

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
                 optional: bool = False, server_stream: bool = False,
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
        self.server_stream = server_stream
        self.stream_field: Optional[_Field] = None
        for field in params:
            if field.stream:
                self.stream_field = field
        self.arguments = tuple(field for field in self.params.fields
                               if not field.stream)
        self.timeout = timeout
        self.exceptions = exceptions
        self.wire_name = name  # what a client calls it
        self.full_name = name  # with package and service

    def is_stream(self) -> bool:
        return self.server_stream or self.stream_field is not None

    def sends_arguments(self) -> bool:
        """Tells whether a stream begins with a message of the arguments."""
        return bool(self.arguments) or self.stream_field is None


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
