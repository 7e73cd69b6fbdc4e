"""How handlers learn that their callers have gone."""

import time
import unittest

import echo
import every
from test_ends import ANSWERS, Held, REQUESTS, each


class Cancelled(unittest.TestCase):
    """Handlers learn of their callers' ends."""

    def test_the_end(self):
        class Waiting(Held):
            def ping(self):
                call = every.current_call()
                self.late = call.cancelled.is_set()
                self.entered.set()
                self.seen = call.cancelled.wait(20)
                self.leave.set()

        for server_class, protocol in each():
            for behind in (0, 1, 1000):
                handlers = Waiting()
                with self.subTest(server=server_class, protocol=protocol,
                                  behind=behind), echo.running(
                        server_class, every.EchoService(handlers)) as (
                        _, address):
                    more = REQUESTS[protocol].replace(b"Echo.ping",
                                                      b"Echo.pong")
                    with echo.connected(address) as sock:
                        sock.sendall(REQUESTS[protocol])
                        handlers.entered.wait(20)
                        sock.sendall(more * behind)
                        start = time.monotonic()
                    handlers.leave.wait(20)
                    self.assertEqual((handlers.late, handlers.seen),
                                     (False, True))
                    self.assertLess(time.monotonic() - start, 10)

    def test_what_comes_meanwhile_is_answered(self):
        class Looking(Held):
            def ping(self):
                self.entered.set()
                if not self.leave.wait(0):
                    every.current_call().cancelled.wait(0.3)

        for server_class, protocol in each():
            handlers = Looking()
            with self.subTest(server=server_class, protocol=protocol), \
                    echo.running(server_class, every.EchoService(
                        handlers)) as (_, address), echo.connected(
                        address) as sock:
                sock.sendall(REQUESTS[protocol])
                handlers.entered.wait(20)
                sock.sendall(REQUESTS[protocol] * 3)
                handlers.leave.set()
                answers = ANSWERS[protocol] * 4
                self.assertEqual(echo.read(sock, len(answers)), answers)


if __name__ == "__main__":
    unittest.main()
