"""Python clients and Python servers, over every protocol."""

import ast
import copy
import logging
import pathlib
import pickle
import unittest
from datetime import datetime, timedelta, timezone

import divide
import echo
import every
import hostile

UTC = timezone.utc
PROTOCOLS = ("basic://", "line://", "mux://")

logging.getLogger("yodel").addHandler(logging.NullHandler())


def one_of_everything():
    return every.Containers(
        ints=[1, -2], texts=["", "\u00e9\u20ac"],
        circles=[every.Circle(), every.Circle(2.5)],
        shapes=[every.ShapeCircle(every.Circle(3.0)), None,
                every.ShapeName("n"), every.ShapeRawNumber(2**62)],
        counts={"a": -1, "b": 1},
        by_number={-1: every.Circle(0.0), 10: every.Circle()},
        by_flag={False: every.Rounding(99), True: every.Rounding.UP},
        times=[datetime(2024, 2, 29, 12, tzinfo=UTC)],
        circle=every.Circle(0.0), shape=every.ShapeSquare(every.Square(4)),
        node=every.Node(1, [every.Node(2, [every.Node()])]))


SCALARS = every.Scalars(
    True, -2**31, -2**63, 2**32 - 1, 2**64 - 1, 0.5, 1e300, "\0 line\r\n",
    bytes(range(256)), datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    timedelta(microseconds=-1), every.Rounding.UP)

VALUES = {
    "bools": [True, False],
    "ints": [0, -1, 2**31 - 1],
    "longs": [0, -2**63, 2**63 - 1],
    "uints": [0, 2**32 - 1],
    "ulongs": [0, 2**64 - 1],
    "floats": [0.0, -0.0, 0.5, float("inf"), float("nan"), 2.0**-149],
    "doubles": [0.0, -0.0, 0.1, 1e308, 123456789012345680.0, float("-inf")],
    "strings": ["", "a\u00e9\u20ac\U0001f600", "\"\\\r\n\u2028\0"],
    "blobs": [b"", b"\0\xff"],
    "timestamps": [datetime(1970, 1, 1, tzinfo=UTC),
                   datetime.max.replace(tzinfo=UTC), None],
    "durations": [timedelta(), timedelta(days=-1, microseconds=1)],
    "roundings": list(every.Rounding) + [every.Rounding(-7)],
    "scalars": [every.Scalars(), SCALARS],
    "defaults": [every.Defaults(single=0.5), every.Defaults(
        False, 0, 0, 0, 0, 0.0, 0.0, "", timedelta(), every.Rounding(0))],
    "optionals": [every.Optionals(), every.Optionals(
        False, 0, "", b"", datetime(1970, 1, 1, tzinfo=UTC), timedelta(),
        every.Rounding(0), every.Scalars(), every.ShapeName(""))],
    "containers": [every.Containers(), one_of_everything()],
    "shapes": [None, every.ShapeCircle(every.Circle()), every.ShapeName("")],
    "circles": [[], [every.Circle(), every.Circle(2.0)]],
    "maps": [{}, {"": -1.5, "x": 0.0}],
    "maybe": [None, 0, 5],
    "maybe_node": [None, every.Node(), every.Node(3, [every.Node(4)])],
}


class Calls(unittest.TestCase):
    def test_every_type(self):
        for server_class in (every.Server, every.ThreadServer):
            for protocol in PROTOCOLS:
                with self.subTest(server_class=server_class,
                                  protocol=protocol):
                    self.check_every_type(server_class, protocol)

    def check_every_type(self, server_class, protocol):
        with echo.running(server_class) as (_, address):
            with every.Channel(protocol + address, timeout=20) as channel:
                client = every.EchoClient(channel)
                for method, values in VALUES.items():
                    for value in values:
                        got = getattr(client, method)(value=value)
                        self.assertEqual(repr(got), repr(value), method)

    def test_readme(self):
        class Handlers(divide.Handler):
            def divide(self, num1, num2=1):
                if num2 == 0:
                    raise divide.InvalidOperation()
                return num1 / num2

        with echo.running(divide.Server, divide.Service(Handlers())) as (
                _, address):
            for protocol in PROTOCOLS + ("",):
                with divide.Channel(protocol + address) as channel:
                    client = divide.Client(channel)
                    self.assertEqual(client.divide(200), 200)
                    self.assertEqual(client.divide(200, num2=100), 2)
                    self.assertEqual(client.divide(num1=1, num2=4), 0.25)
                    with self.assertRaises(divide.InvalidOperation) as caught:
                        client.divide(1, num2=0)
                    self.assertEqual(str(caught.exception),
                                     "invalid operation")

    def test_exceptions(self):
        for protocol in PROTOCOLS:
            with echo.running() as (_, address), self.subTest(protocol):
                with every.Channel(protocol + address) as channel:
                    self.check_exceptions(every.EchoClient(channel))

    def check_exceptions(self, client):
        with self.assertRaises(every.OutOfStock) as caught:
            client.buy("tea", count=2)
        err = caught.exception
        self.assertEqual((err.message, err.left, err.instead),
                         ("no tea", 3, ["coffee"]))
        self.assertEqual(str(err), "no tea")
        with self.assertRaises(every.Silent) as caught:
            client.buy("silence")
        self.assertEqual((str(caught.exception), caught.exception.number),
                         ("silent", 5))
        with self.assertRaises(every.RpcError) as caught:
            client.buy("denied")
        self.assertEqual(str(caught.exception), "permission_denied: not you")
        with self.assertLogs("yodel", "ERROR") as logs:
            with self.assertRaises(every.RpcError) as caught:
                client.buy("bug")
        self.assertIn("a secret", logs.output[0])
        self.assertEqual(caught.exception.code, "internal")
        self.assertNotIn("secret", caught.exception.message)
        self.assertIsNone(client.ping())

    def test_results_that_do_not_fit(self):
        class Wrong(echo.Echo):
            def ints(self, value):
                return None if value else 2**31

            def strings(self, value):
                return "\ud800"

        for protocol in PROTOCOLS:
            with echo.running(every.Server, every.EchoService(Wrong())) as (
                    _, address), every.Channel(protocol + address) as channel:
                client = every.EchoClient(channel)
                for call in (lambda: client.ints(0), lambda: client.ints(1),
                             lambda: client.strings("")):
                    with self.assertRaises(every.RpcError) as caught:
                        call()
                    self.assertEqual(caught.exception.code, "internal")
                self.assertEqual(client.longs(3), 3)

    def test_streams(self):
        for protocol in ("basic://", "line://"):
            with every.Channel(protocol + "127.0.0.1:1") as channel:
                client = every.EchoClient(channel)
                for call in (lambda: client.ticks(3),
                             lambda: client.sum([1])):
                    with self.assertRaises(every.RpcError) as caught:
                        call()
                    err = caught.exception
                    self.assertEqual((err.code, err.outcome),
                                     ("unimplemented", "not started"))
                    self.assertIn("over mux alone", err.message)


class Arguments(unittest.TestCase):
    """What a stub refuses before it sends anything."""

    def setUp(self):
        self.channel = every.Channel("basic://127.0.0.1:1")  # nobody listens
        self.client = every.EchoClient(self.channel)

    def refuses(self, error, text, method, *args, **named):
        with self.assertRaises(error) as caught:
            getattr(self.client, method)(*args, **named)
        self.assertIn(text, str(caught.exception))

    def test_ranges(self):
        for method, values in {
                "ints": (2**31, -2**31 - 1), "longs": (2**63, -2**63 - 1),
                "uints": (2**32, -1), "ulongs": (2**64, -1),
                "floats": (1e39, -1e39), "roundings": (2**31,),
                "durations": (timedelta.max,), "strings": ("\ud800",),
                "timestamps": (datetime(2024, 1, 1),)}.items():
            for value in values:
                with self.subTest(method=method, value=value):
                    self.refuses(ValueError, "value: ", method, value)

    def test_types(self):
        for method, value in (("bools", 1), ("ints", "1"), ("ints", 1.0),
                              ("ints", True), ("ints", None), ("floats", "1"),
                              ("strings", b""), ("blobs", ""),
                              ("timestamps", 0), ("durations", 1.5),
                              ("roundings", "DOWN"), ("circles", "abc"),
                              ("circles", 1), ("maps", [1]),
                              ("scalars", every.Circle()), ("scalars", None),
                              ("shapes", every.Circle())):
            with self.subTest(method=method, value=value):
                self.refuses(TypeError, "value: ", method, value)

    def test_path(self):
        self.refuses(ValueError, "value.by_number[7].radius: ", "containers",
                     every.Containers(by_number={7: every.Circle(10**400)}))
        self.refuses(TypeError, "value.shapes[1].circle.radius: ",
                     "containers", every.Containers(shapes=[
                         None, every.ShapeCircle(every.Circle("1"))]))

    def test_nesting(self):
        node = every.Node()
        for _ in range(120):
            node = every.Node(0, [node])
        self.refuses(ValueError, "nested deeper than 100", "maybe_node",
                     value=node)
        node.children.append(node)
        self.refuses(ValueError, "nested deeper than 100", "maybe_node",
                     value=node)

    def test_targets(self):
        for target in ("http://127.0.0.1:1", "127.0.0.1", "127.0.0.1:http",
                       ":1", "127.0.0.1:65536"):
            with self.subTest(target), self.assertRaises(ValueError):
                every.Channel(target)
        for port in ("99999", "0"):
            with self.assertRaisesRegex(ValueError, f"there is no port {port};"
                                        " ports are 1 to 65535"):
                every.Channel(f"127.0.0.1:{port}")

    def test_nobody_listens(self):
        with self.assertRaises(every.RpcError) as caught:
            self.client.ping()
        err = caught.exception
        self.assertEqual((err.code, err.may_have_run), ("unavailable", False))
        self.assertIn("127.0.0.1:1", err.message)

    def test_closed(self):
        self.channel.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            self.client.ping()


class Values(unittest.TestCase):
    def test_enums(self):
        unknown = every.Rounding(1234)
        self.assertEqual((unknown, unknown.name, unknown.value),
                         (1234, "1234", 1234))
        self.assertIsInstance(unknown, every.Rounding)
        self.assertEqual(unknown, pickle.loads(pickle.dumps(unknown)))
        for bad in (2**31, "DOWN", None):
            with self.assertRaises(ValueError):
                every.Rounding(bad)

    def test_exceptions_copy(self):
        err = every.OutOfStock("m", left=2)
        for again in (pickle.loads(pickle.dumps(err)), copy.copy(err)):
            self.assertEqual(vars(again), vars(err))
        err = every.RpcError("internal", "m", "not started")
        self.assertEqual(vars(pickle.loads(pickle.dumps(err))), vars(err))

    def test_documentation(self):
        self.assertEqual(every.Rounding.__doc__, "How to round.")
        self.assertIn("a: The first.", every.EchoClient.defaulted.__doc__)
        self.assertEqual(hostile.Client.str_.__doc__, '"quoted"')
        self.assertTrue(
            hostile.__doc__.startswith("Names and comments that Python"))
        self.assertIn('""" and \\ and \\N and\nmore"', hostile.__doc__)

    def test_syntax_of_3_9(self):
        here, made = (pathlib.Path(m.__file__).parent for m in (echo, every))
        for path in [*here.rglob("*.py"), *made.rglob("*.py")]:
            with self.subTest(path):
                text = path.read_text(encoding="utf-8")
                ast.parse(text, str(path), feature_version=(3, 9))


class Hostile(unittest.TestCase):
    def test_calls(self):
        class Handlers(hostile.Handler):
            def def_(self, self_, name, lambda_, json):
                if json == 0:
                    raise hostile.Exception_(args_=lambda_.class_)
                return self_ + name + lambda_.self_ + json

            def list(self, list, print):
                return list + [print]

            def str_(self, str):
                return str

            def hidden__(self):
                return None

        with echo.running(hostile.Server, hostile.Service(Handlers())) as (
                _, address):
            for protocol in PROTOCOLS:
                with hostile.Channel(protocol + address) as channel:
                    client = hostile.Client(channel)
                    node = hostile.Server_(7, field=hostile.Server_())
                    self.assertEqual(client.def_(1, 10, node, json=100), 112)
                    with self.assertRaises(hostile.Exception_) as caught:
                        client.def_(1, 2, node, json=0)
                    self.assertEqual(caught.exception.args_, 7)
                    none = hostile.Any_.None_
                    self.assertEqual(client.list([none], print=none), [none] * 2)
                    self.assertEqual(client.str_("s"), "s")
                    self.assertIsNone(client.hidden__())


class Handlers(unittest.TestCase):
    def test_one_that_lacks_a_method(self):
        class Half:
            def divide(self, num1):
                return 1

        with self.assertRaisesRegex(TypeError, "lacks the method divide"):
            divide.Service(object())
        with self.assertRaisesRegex(TypeError, "num2"):
            divide.Service(Half())
        with self.assertRaises(TypeError):
            type("Empty", (divide.Handler,), {})()

    def test_names(self):
        echoes = every.EchoService(echo.Echo())
        with self.assertRaisesRegex(ValueError, "Echo.bools"):
            every.Server(("127.0.0.1", 0), echoes, echoes)
        services = (divide.Service(echo.Divide()),
                    every.Service(echo.Divide()))
        with echo.running(every.Server, *services) as (_, address):
            with every.Channel("basic://" + address) as channel:
                with self.assertRaisesRegex(every.RpcError,
                                            "several services"):
                    every.Client(channel).divide(1)

    def test_a_bare_name_is_of_no_service(self):
        class Other(echo.Divide):
            _methods = every._Methods(
                "test", "Other", copy.copy(every._methods_Every.by_attr[
                    "divide"]))

            def divide(self, num1, num2):
                return -1.0

        other = Other()
        other._handlers = every._bind(other._methods, other)
        services = (other, every.Service(echo.Divide()))
        for protocol in PROTOCOLS:
            with self.subTest(protocol), echo.running(
                    every.Server, *services) as (_, address):
                with every.Channel(protocol + address) as channel:
                    self.assertEqual(every.Client(channel).divide(3), 3)


class Modules(unittest.TestCase):
    """One channel and one server for two modules that share nothing."""

    def test_calls(self):
        services = (every.EchoService(echo.Echo()),
                    divide.Service(echo.Divide()))
        with echo.running(divide.Server, *services) as (_, address):
            for protocol in PROTOCOLS:
                with divide.Channel(protocol + address) as channel:
                    client = every.EchoClient(channel)
                    value = one_of_everything()
                    self.assertEqual(client.containers(value), value)
                    with self.assertRaises(every.Silent):
                        client.buy("silence")
                    with self.assertRaises(divide.RpcError) as caught:
                        client.buy("denied")
                    self.assertEqual(str(caught.exception),
                                     "permission_denied: not you")


if __name__ == "__main__":
    unittest.main()
