"""Connections of Python clients and servers: times, faults, reconnects."""

import logging
import struct
import threading
import unittest

import echo
import every
from test_calls import PROTOCOLS


class Connections(unittest.TestCase):
    def test_timeout(self):
        entered, leave = threading.Event(), threading.Event()

        class Slow(echo.Echo):
            def ping(self):
                entered.set()
                leave.wait(20)

        with echo.running(every.ThreadServer, every.EchoService(Slow())) as (
                _, address), every.Channel("basic://" + address) as channel:
            client = every.EchoClient(channel)
            hasty = every.EchoClient(channel.with_timeout(0.05))
            with self.assertRaises(every.RpcError) as caught:
                hasty.ping()
            err = caught.exception
            self.assertEqual((err.code, err.may_have_run),
                             ("deadline_exceeded", True))
            self.assertEqual(client.ints(1), 1)  # over another connection
            entered.clear()
            thread = threading.Thread(target=client.ping)
            thread.start()
            entered.wait(20)
            with self.assertRaises(every.RpcError) as caught:
                hasty.ints(1)  # the connection is taken
            self.assertFalse(caught.exception.may_have_run)
            leave.set()
            thread.join()
            self.assertEqual(hasty.ints(1), 1)

    def test_timeouts_that_are_odd(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), echo.running() as (_, address):
                for timeout in (1e300, float("inf")):
                    with every.Channel(protocol + address, timeout) as channel:
                        client = every.EchoClient(channel)
                        self.assertEqual(client.ints(1), 1)
                with every.Channel(protocol + address) as channel:
                    for timeout in (-1, -0.5, float("nan"), "1"):
                        with self.assertRaises((TypeError, ValueError)):
                            every.Channel(protocol + address, timeout)
                        with self.assertRaises((TypeError, ValueError)):
                            channel.with_timeout(timeout)

    def test_errors_that_are_odd(self):
        class Odd(echo.Echo):
            def ping(self):
                raise every.RpcError(5, None)

        for protocol in PROTOCOLS:
            with self.subTest(protocol), echo.running(
                    every.ThreadServer, every.EchoService(Odd())) as (
                    _, address), every.Channel(protocol + address, 20) as (
                    channel):
                with self.assertRaises(every.RpcError) as caught:
                    every.EchoClient(channel).ping()
                self.assertEqual((caught.exception.code,
                                  caught.exception.outcome),
                                 ("unknown", "answered"))

    def test_handlers_that_fail(self):
        """A fault costs its own call; the connection does not notice."""
        class Ends(BaseException):
            def __str__(self):
                raise SystemExit(4)

        class Mute(Exception):
            def __str__(self):
                raise ValueError("no text")

        class Trap(Exception):
            @property
            def may_have_run(self):
                raise GeneratorExit

        class Hollow(every.OutOfStock):
            def __init__(self):
                pass

        class Text:
            def __str__(self):
                raise SystemExit(5)

        faults = {
            "SystemExit": SystemExit(3),
            "KeyboardInterrupt": KeyboardInterrupt(),
            "GeneratorExit": GeneratorExit(),
            "a text that ends the thread": Ends(),
            "a text that cannot be had": Mute(),
            "an attribute that ends the thread": Trap(),
            "a code that ends the thread": every.RpcError(Text(), ""),
            "a message that ends the thread": every.RpcError("aborted",
                                                             Text()),
            "fields of other types": every.OutOfStock(5, "x", 7),
            "a field that ends the thread": every.OutOfStock(Text(), 1, []),
            "a list of other types": every.OutOfStock("", 1, [Text()]),
            "no fields at all": Hollow(),
            "a text that is no UTF-8": every.OutOfStock("\ud800", 1, []),
        }

        class Faulty(echo.Echo):
            def buy(self, item, count):
                raise faults[item]

        class BadLog(logging.Handler):
            def emit(self, record):
                raise SystemExit(6)

        bad_log = BadLog()
        for protocol in PROTOCOLS:
            with echo.running(every.ThreadServer, every.EchoService(
                    Faulty())) as (_, address), every.Channel(
                    protocol + address, 20) as channel:
                client = every.EchoClient(channel)
                for item in faults:
                    for log in (None, bad_log):
                        with self.subTest(protocol, item=item, log=log):
                            if log:
                                logging.getLogger("yodel").addHandler(log)
                            try:
                                with self.assertRaises(every.RpcError) as (
                                        caught):
                                    client.buy(item)
                            finally:
                                logging.getLogger("yodel").removeHandler(
                                    bad_log)
                            err = caught.exception
                            self.assertEqual((err.code, err.outcome),
                                             ("internal", "answered"))
                self.assertEqual(client.ints(1), 1)

    def test_reconnect(self):
        with echo.scripted(None, b"\1\0\0\0\5") as (address, _):
            with every.Channel("basic://" + address, timeout=20) as channel:
                client = every.EchoClient(channel)
                with self.assertRaises(every.RpcError) as caught:
                    client.ints(5)
                err = caught.exception
                self.assertEqual((err.code, err.may_have_run),
                                 ("unavailable", True))
                self.assertEqual(client.ints(5), 5)

    def test_server_restarts_between_calls(self):
        with every.Channel("basic://127.0.0.1:1", timeout=20) as channel:
            client = every.EchoClient(channel)
            with echo.running() as (server, address):
                channel._link.address = server.address
                self.assertEqual(client.ints(1), 1)
            service = every.EchoService(echo.Echo())
            with every.Server(server.address, service) as again:
                thread = threading.Thread(target=again.serve_forever)
                thread.start()
                self.assertEqual(client.ints(2), 2)
                again.shutdown()
                thread.join()

    def test_answers_that_do_not_fit(self):
        string = struct.pack(">I", 2**32 - 1)
        for protocol, answer, code in (
                ("basic://", b"\0", "internal"),
                ("basic://", b"\2" + echo.block(b"m"), "internal"),
                ("basic://", b"\1" + string, "resource_exhausted"),
                ("basic://", b"\xff" + string, "resource_exhausted"),
                ("basic://", b"\1" + echo.block(b"\xff"), "internal"),
                ("basic://", b"\xff" + echo.block(b"sorry"), "unknown"),
                ("line://", b"[]\n", "internal"),
                ("line://", b"{}\n", "internal"),
                ("line://", b'{"result":1}\n', "internal"),
                ("line://", b'{"error":1}\n', "internal"),
                ("line://", b'{"error":{"type":"Odd"}}\n', "unknown"),
                ("line://", b"x" * 200, "resource_exhausted")):
            with self.subTest(answer), echo.scripted(answer) as (address, _):
                with every.Channel(protocol + address, timeout=20,
                                   limit=150) as channel:
                    with self.assertRaises(every.RpcError) as caught:
                        every.EchoClient(channel).strings("")
                    self.assertEqual(caught.exception.code, code)

    def test_year_10000(self):
        answer = b"\1" + struct.pack(">qI", 2**40, 0)
        with echo.scripted(answer) as (address, _):
            with every.Channel("basic://" + address, timeout=20) as channel:
                with self.assertRaises(every.RpcError) as caught:
                    every.EchoClient(channel).timestamps(None)
                self.assertEqual(caught.exception.code, "out_of_range")

    def test_threads_share_a_channel(self):
        with echo.running() as (_, address), every.Channel(
                address) as channel:
            client, wrong = every.EchoClient(channel), []

            def work(start):
                wrong.extend(i for i in range(start, start + 100)
                             if client.ints(i) != i)

            threads = [threading.Thread(target=work, args=(n * 1000,))
                       for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])

    def test_limits(self):
        with echo.running(limit=1000) as (_, address), every.Channel(
                address) as channel:
            client = every.EchoClient(channel)
            self.assertEqual(client.strings("x" * 900), "x" * 900)
            with self.assertRaises(every.RpcError) as caught:
                client.strings("x" * 2000)
            self.assertIn(caught.exception.code,
                          ("resource_exhausted", "unavailable"))
            small = every.EchoClient(
                every.Channel("basic://" + address, limit=100))
            with self.assertRaises(every.RpcError) as caught:
                small.strings("x" * 200)
            self.assertEqual((caught.exception.code,
                              caught.exception.may_have_run),
                             ("resource_exhausted", False))


if __name__ == "__main__":
    unittest.main()
