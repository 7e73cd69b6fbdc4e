"""Calls a server of every.yodel at an address, over every protocol."""

import sys
import threading
import time
import unittest

import every
import test_calls

ADDRESS = sys.argv.pop(1)


class Client(unittest.TestCase):
    def test_every_type(self):
        for protocol in test_calls.PROTOCOLS:
            with self.subTest(protocol), every.Channel(
                    protocol + ADDRESS, timeout=20) as channel:
                client = every.EchoClient(channel)
                for method, values in test_calls.VALUES.items():
                    for value in values:
                        got = getattr(client, method)(value=value)
                        if method in ("containers", "maps"):  # in any order
                            self.assertEqual(got, value)
                        else:
                            self.assertEqual(repr(got), repr(value), method)

    def test_calls(self):
        for protocol in test_calls.PROTOCOLS:
            with self.subTest(protocol), every.Channel(
                    protocol + ADDRESS, timeout=20) as channel:
                client = every.Client(channel)
                self.assertEqual(client.divide(200), 200)
                self.assertEqual(client.divide(200, num2=100), 2)
                with self.assertRaises(every.InvalidOperation) as caught:
                    client.divide(1, num2=0)
                self.assertEqual(str(caught.exception), "invalid operation")
                echo = every.EchoClient(channel)
                self.assertEqual(echo.defaulted(1), "1 b 1 2 - ")
                self.assertEqual(
                    echo.defaulted(1, [1, 2], b="", c=every.Rounding.UP, e=0),
                    "1  -1 2 0 1,2")
                self.assertIsNone(echo.ping())

    def test_details(self):
        for protocol in test_calls.PROTOCOLS:
            with self.subTest(protocol), every.Channel(
                    protocol + ADDRESS, timeout=20) as channel:
                client = every.EchoClient(channel)
                with self.assertRaises(every.RpcError) as caught:
                    client.buy("detailed")
                err = caught.exception
                self.assertEqual((err.code, err.message), ("aborted", "again"))
                if protocol == "basic://":
                    self.assertEqual(err.details, ())
                    continue
                self.assertEqual(err.details_of(every.Circle), [
                    every.Circle(), every.Circle(radius=2.5)])
                self.assertEqual(vars(err.detail(every.OutOfStock)), {
                    "message": "no tea", "left": 3, "instead": ["coffee"]})
                self.assertIsNone(err.detail(every.Square))
                with self.assertRaises(every.RpcError) as caught:
                    client.buy("detailed too much")
                self.assertEqual(len(caught.exception.details), 2)

    def test_exceptions(self):
        for protocol in test_calls.PROTOCOLS:
            with self.subTest(protocol), every.Channel(
                    protocol + ADDRESS, timeout=20) as channel:
                client = every.EchoClient(channel)
                with self.assertRaises(every.OutOfStock) as caught:
                    client.buy("tea")
                self.assertEqual(vars(caught.exception), {
                    "message": "no tea", "left": 3, "instead": ["coffee"]})
                with self.assertRaises(every.OutOfStock) as caught:
                    client.buy("nothing")
                self.assertEqual(vars(caught.exception),
                                 vars(every.OutOfStock()))
                with self.assertRaises(every.Silent) as caught:
                    client.buy("silence")
                self.assertEqual(caught.exception.number, 5)
                for item, code in (("denied", "permission_denied"),
                                   ("bug", "internal")):
                    with self.assertRaises(every.RpcError) as caught:
                        client.buy(item)
                    self.assertEqual(caught.exception.code, code)
                    self.assertNotIn("secret", caught.exception.message)


class Mux(unittest.TestCase):
    def setUp(self):
        self.channel = every.Channel("mux://" + ADDRESS, timeout=20)
        self.addCleanup(self.channel.close)
        self.client = every.EchoClient(self.channel)

    def fails(self, code, call, *args):
        with self.assertRaises(every.RpcError) as caught:
            call(*args)
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    def test_deadline_and_cancel(self):
        hasty = every.EchoClient(self.channel.with_timeout(0.05))
        end = "nothing"
        while end == "nothing":  # it may pass before the handler begins
            err = self.fails("deadline_exceeded", hasty.buy, "wait")
            end = self.fails("not_found", self.client.buy, "waited").message
        # Both sides notice the deadline; the server's answer may be first.
        self.assertIn(err.outcome, ("unknown", "answered"))
        self.assertIn(end, ("context deadline exceeded", "context canceled"))

    def test_cancel(self):
        link = self.channel._link
        call = threading.Thread(target=self.fails, args=(
            "unavailable", self.client.buy, "wait"))
        call.start()
        while self.fails("not_found", self.client.buy,
                         "begun").message == "0":
            time.sleep(0.001)
        link.client.end()
        call.join()
        err = self.fails("not_found", self.client.buy, "waited")
        self.assertEqual(err.message, "context canceled")

    def test_outcomes(self):
        self.assertEqual(self.fails("permission_denied", self.client.buy,
                                    "denied").outcome, "answered")
        err = self.fails("resource_exhausted", self.client.blobs,
                         bytes(4 << 20))
        self.assertEqual(err.outcome, "not started")

    def test_metadata(self):
        channel = self.channel.with_metadata({"trace": ["a\u20ac", "", "c"]})
        err = self.fails("not_found", every.EchoClient(channel).buy, "trace")
        self.assertEqual(err.message, "a\u20ac,,c")

    def test_large_and_small_at_once(self):
        blob, wrong = bytes(range(256)) * 4096, []

        def large():
            if self.client.blobs(blob) != blob:
                wrong.append("a blob")

        def small():
            wrong.extend(i for i in range(300) if self.client.ints(i) != i)

        threads = [threading.Thread(target=target)
                   for target in (large, small) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
