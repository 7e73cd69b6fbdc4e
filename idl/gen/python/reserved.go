package python

import (
	"maps"
	"strings"
)

// set returns the words of some texts as the keys of a map.
func set(texts ...string) map[string]bool {
	words := make(map[string]bool)
	for _, text := range texts {
		for word := range strings.FieldsSeq(text) {
			words[word] = true
		}
	}
	return words
}

// union returns the keys of all the sets.
func union(sets ...map[string]bool) map[string]bool {
	all := make(map[string]bool)
	for _, s := range sets {
		maps.Copy(all, s)
	}
	return all
}

// keywords are the words that no name can be in any version of Python from 3.9.
var keywords = set(`False None True and as assert async await break class continue def del elif else except finally
	for from global if import in is lambda nonlocal not or pass raise return try while with yield`)

// importedModules are the modules that a module may import, in the order of its import statements.
var importedModules = strings.Fields(`base64 collections copy dataclasses difflib inspect json logging math operator queue re
	select socket ssl struct threading time`)

// importedNames are what a module may import from other modules, in the order of its import statements.
var importedNames = []struct {
	module string
	names  []string
}{
	{"abc", []string{"abstractmethod"}},
	{"datetime", []string{"datetime", "timedelta", "timezone"}},
	{"enum", []string{"IntEnum"}},
	{"typing", strings.Fields(`Any Callable Deque Dict Generic Iterable Iterator List Mapping Optional Protocol Sequence Set
		Tuple TypeVar`)},
}

// runtimeImports are those of importedNames that the runtime needs.
var runtimeImports = set(
	`datetime timedelta timezone Any Callable Deque Dict Generic Iterable Iterator List Mapping Optional Sequence Set
		Tuple TypeVar`)

// publicNames are what the runtime gives to users.
var publicNames = strings.Fields(
	"BadRequest BidiStream Channel FieldViolation RpcError Server ServerCall ServerStream ThreadServer current_call")

// builtinNames are the names of Python's own that a module uses.
var builtinNames = set(`BaseException BlockingIOError ConnectionError EOFError Exception NotImplementedError OSError
	OverflowError RecursionError RuntimeError StopIteration TimeoutError TypeError UnicodeDecodeError ValueError abs any bool
	bytearray bytes classmethod dict divmod enumerate float frozenset getattr hasattr int isinstance iter len list map max
	memoryview min next ord property range repr reversed set sorted staticmethod str sum super tuple type vars`)

// classNames are the names that the bodies of generated classes use, so that no method may have them, and no field
// either.
var classNames = set(
	`abstractmethod bool bytes classmethod dataclasses datetime float int object str timedelta timezone`)

// factoryNames are those that the bodies of structs use besides.
var factoryNames = set("dict list")

// enumNames are what an IntEnum has already, and what its body uses.
var enumNames = set(`as_integer_ratio bit_count bit_length classmethod conjugate denominator from_bytes imag is_integer
	mro name numerator object real to_bytes value`)

// exceptionNames are what an exception has already.
var exceptionNames = set("add_note args with_traceback")

// standardModules are the modules of Python's standard library, in any version from 3.9. A file of the same name in
// the first folder of the path would take their place in the whole program.
var standardModules = set(`
	abc antigravity argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 cProfile calendar
	cmath cmd code codecs codeop collections colorsys compileall concurrent configparser contextlib contextvars
	copy copyreg csv ctypes curses dataclasses datetime dbm decimal difflib dis doctest email encodings ensurepip
	enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt
	getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib importlib inspect io
	ipaddress itertools json keyword linecache locale logging lzma mailbox marshal math mimetypes mmap
	modulefinder msvcrt multiprocessing netrc nt ntpath nturl2path numbers opcode operator optparse os pathlib pdb
	pickle pickletools pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile
	pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched
	secrets select selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 ssl stat
	statistics string stringprep struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios
	test textwrap this threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle
	turtledemo types typing unicodedata unittest urllib uuid venv warnings wave weakref webbrowser winreg winsound
	wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
`)
