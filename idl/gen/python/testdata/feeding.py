"""Handlers for feeds.yodel, which tell how their streams ended, and a case."""

import contextlib
import queue
import threading
import unittest

import echo
import feeds

SERVERS = (feeds.Server, feeds.ThreadServer)


class Feeds(feeds.FeedsHandler):
    def __init__(self):
        self.lock = threading.Lock()
        self.running = 0
        self.ended = []
        self.told = queue.Queue()  # the same, for tests of this process

    def begin(self):
        with self.lock:
            self.running += 1

    def end(self, how):
        with self.lock:
            self.running -= 1
            self.ended.append(how)
        self.told.put(how)

    def ends(self):
        with self.lock:
            return feeds.Ends(self.running, list(self.ended))

    def count(self, to, from_):
        for i in range(from_, abs(to)):
            yield i
        if to < 0:
            raise feeds.Enough("no more", count=-to)

    def feed(self, n, size):
        self.begin()
        how = "left"
        try:
            for i in range(n):
                yield bytes([i % 256]) * size
            how = "done"
        finally:
            self.end(how)

    def hang(self):
        self.begin()
        call = feeds.current_call()
        if call.cancelled.wait(call.time_left()):
            self.end("canceled")
        else:
            self.end("deadline_exceeded")
        return []

    def sum(self, nums):
        total = 0
        for num in nums:
            if num < 0:
                raise feeds.Enough(count=-num)
            total += num
        return total

    def gather(self, prefix, parts):
        return prefix + ",".join(str(len(part)) for part in parts)

    def drain(self, lines):
        for _ in lines:
            pass

    def chat(self, prefix, messages):
        self.begin()
        how = "left"
        try:
            for message in messages:
                if message == "enough":
                    raise feeds.Enough(count=1)
                if message == "denied":
                    raise feeds.RpcError("permission_denied", "not you",
                                         details=[feeds.Ends(7, ["x"])])
                if message == "bug":
                    raise ZeroDivisionError("a secret")
                yield prefix + message
            how = "done"
        except Exception as err:
            how = getattr(err, "code", type(err).__name__)
            raise
        finally:
            self.end(how)

    def echo(self, parts):
        return parts


@contextlib.contextmanager
def serving(server_class=feeds.ThreadServer, timeout=30, **options):
    """Runs a server; gives its handlers, a client and its channel."""
    handlers = Feeds()
    with echo.running(server_class, feeds.FeedsService(handlers),
                      **options) as (_, address):
        with feeds.Channel(address, timeout=timeout) as channel:
            yield handlers, feeds.FeedsClient(channel), channel


def both(test):
    """Runs a test with a server of either class."""
    def run(self):
        for server_class in SERVERS:
            with self.subTest(server_class.__name__), \
                    serving(server_class) as (handlers, client, channel):
                test(self, handlers, client, channel)
                self.check_free(channel)
    return run


class Case(unittest.TestCase):
    def check_free(self, channel):
        """Waits until nothing is left of any stream at the client."""
        mux = channel._link.client
        with mux.state:
            self.assertTrue(mux.state.wait_for(
                lambda: not mux.calls and not mux.blocked, 20), mux.calls)
            self.assertEqual(len(mux.free), mux.used)
            window = mux.window
            self.assertEqual(window.consumed, window.arrived)
        echo_of = feeds.FeedsClient(channel).echo()
        echo_of.send(b"still here")
        self.assertEqual(echo_of.recv(), b"still here")
        echo_of.close_send()
        self.assertEqual(list(echo_of), [])

    def fails(self, code, function, *args):
        with self.assertRaises(feeds.RpcError) as caught:
            function(*args)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception
