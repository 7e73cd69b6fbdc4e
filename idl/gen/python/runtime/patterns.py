# --- Patterns ----------------------------------------------------------------
#
# A pattern is a regular expression of RE2. The generator makes a program of
# it, so that Python's own expressions, which mean other things and may take
# exponential time, have no part in it. A step is one of
#
#     ("match",)           the pattern matches
#     ("fail",)            it does not, on this way
#     ("to", step)         goes on there
#     ("or", step, step)   goes on at both
#     ("if", what, step)   goes on if all of what, bits of _at, hold here
#     ("in", ranges, step) takes a character that is within one of the ranges

_BEGIN, _END = "begin", "end"  # where there is no character
_MAX_MEMO = 10000


def _class(char: str) -> str:
    """Gives what of a character matters to its neighbours."""
    if char == "\n":
        return char
    return "word" if char == "_" or (char.isascii() and char.isalnum()) else ""


def _at(before: str, after: str) -> int:
    """Gives what holds between two characters, of which these are classes."""
    holds = 16 if (before == "word") != (after == "word") else 32
    if before in (_BEGIN, "\n"):
        holds |= 1  # the beginning of a line
    if after in (_END, "\n"):
        holds |= 2  # the end of a line
    if before == _BEGIN:
        holds |= 4
    if after == _END:
        holds |= 8
    return holds


class _Pattern:
    """A pattern: its text, and its program, which begins at a step."""

    def __init__(self, text: str, start: int,
                 steps: Sequence[Tuple[Any, ...]]) -> None:
        self.text = text
        self.start = frozenset([start])
        self.steps = steps
        self.memo: Dict[Any, Any] = {}

    def matches(self, text: str) -> bool:
        """Tells whether the pattern matches somewhere, in linear time."""
        steps: Any = self.start
        before = _BEGIN
        for char in text:
            after = _class(char)
            key = steps, before, char
            ahead = self.memo.get(key)
            if ahead is None:
                if len(self.memo) >= _MAX_MEMO:
                    self.memo.clear()
                ahead = self.take(self.follow(steps, before, after), char)
                self.memo[key] = ahead
            if ahead is True:
                return True
            steps, before = ahead, after
        return ("match",) in self.follow(steps, before, _END)

    def follow(self, steps: Any, before: str,
               after: str) -> List[Tuple[Any, ...]]:
        """Gives the steps that take a character, or match, from some."""
        holds = _at(before, after)
        met = set(steps)
        left = list(met)
        found = []
        while left:
            step = self.steps[left.pop()]
            if step[0] in ("match", "in"):
                found.append(step)
                continue
            if step[0] == "if" and step[1] & ~holds:
                continue
            for ahead in step[2:] if step[0] == "if" else step[1:]:
                if ahead not in met:
                    met.add(ahead)
                    left.append(ahead)
        return found

    def take(self, steps: List[Tuple[Any, ...]], char: str) -> Any:
        """Gives the steps behind a character; True for a match before it."""
        if ("match",) in steps:
            return True
        code = ord(char)
        return self.start.union(
            step[2] for step in steps
            if any(low <= code <= high for low, high in step[1]))


class _Constraints:
    """What the values of a field have to keep to.

    low and high are bounds, each with its text; len and items the least and
    the most, None for any. All but items are of each element of a list or map.
    """

    def __init__(self, *, low: Any = None, high: Any = None,
                 len: Optional[Tuple[int, Optional[int]]] = None,
                 items: Optional[Tuple[int, Optional[int]]] = None,
                 pattern: Optional[_Pattern] = None) -> None:
        self.low = low
        self.high = high
        self.len = len
        self.items = items
        self.pattern = pattern
