"""Calls a server of every.yodel at an address, over both protocols."""

import sys
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
                        got = getattr(client, method)(value)
                        self.assertEqual(repr(got), repr(value), method)

    def test_calls(self):
        for protocol in test_calls.PROTOCOLS:
            with self.subTest(protocol), every.Channel(
                    protocol + ADDRESS, timeout=20) as channel:
                client = every.Client(channel)
                self.assertEqual(client.divide(200), 200)
                self.assertEqual(client.divide(200, num2=100), 2)
                with self.assertRaises(every.InvalidOperation) as caught:
                    client.divide(1, 0)
                self.assertEqual(str(caught.exception), "invalid operation")
                echo = every.EchoClient(channel)
                self.assertEqual(echo.defaulted(1), "1 b 1 2 - ")
                self.assertEqual(
                    echo.defaulted(1, "", every.Rounding.UP, e=0, f=[1, 2]),
                    "1  -1 2 0 1,2")
                self.assertIsNone(echo.ping())

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


if __name__ == "__main__":
    unittest.main()
