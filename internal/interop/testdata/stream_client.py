"""Streams of every kind, of a server in Go: its address is the argument."""

import itertools
import sys
import threading
import time
import unittest

import feeds

ADDRESS = sys.argv.pop()


class Streams(unittest.TestCase):
    def setUp(self):
        self.channel = feeds.Channel(ADDRESS, timeout=60)
        self.addCleanup(self.channel.close)
        self.client = feeds.FeedsClient(self.channel)

    def fails(self, code, function, *args):
        with self.assertRaises(feeds.RpcError) as caught:
            function(*args)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception

    def await_end(self, how):
        """Waits until no stream runs, of which the last ended so."""
        while True:
            ends = self.client.ends()
            if not ends.running and ends.ends:
                break
            time.sleep(0.001)
        self.assertIn(how, ends.ends[-1])

    def test_results(self):
        self.assertEqual(list(self.client.count(5, from_=2)), [2, 3, 4])
        for size, n in ((0, 2000), (10, 2000), (40_000, 50), (1 << 20, 4),
                        ((4 << 20) - 10, 2)):
            got = list(self.client.feed(n, size=size))
            self.assertEqual(len(got), n)
            for i, part in enumerate(got):
                self.assertTrue(part == bytes([i % 256]) * size, (i, size))

    def test_arguments(self):
        self.assertEqual(self.client.sum(range(3000)), 4498500)
        self.assertEqual(self.client.sum(), 0)
        self.assertEqual(self.client.gather("sizes: ", (
            bytes(size) for size in (0, 70_000, 1 << 20, (4 << 20) - 10))),
            "sizes: 0,70000,1048576,4194294")
        self.assertIsNone(self.client.drain(["a", ""]))

    def test_both(self):
        with self.client.chat("> ") as chat:
            for text in ("a", "", "b" * 100_000):
                chat.send(text)
                self.assertEqual(chat.recv(timeout=30), "> " + text)
            with self.assertRaises(TimeoutError):
                chat.recv(timeout=0.01)
            chat.send("last")
            chat.close_send()
            self.assertEqual(list(chat), ["> last"])
        sizes = [0, 1, 5000, 70_000, 300_000] * 5
        with self.client.echo() as parts:
            def send():
                for i, size in enumerate(sizes):
                    parts.send(bytes([i]) * size)
                parts.close_send()
            thread = threading.Thread(target=send)
            thread.start()
            for i, size in enumerate(sizes):
                self.assertTrue(next(parts) == bytes([i]) * size, (i, size))
            self.assertEqual(list(parts), [])
            thread.join()

    def test_ends(self):
        got = []
        with self.assertRaises(feeds.Enough) as caught:
            for i in self.client.count(-3):
                got.append(i)
        self.assertEqual((got, caught.exception.count), ([0, 1, 2], 3))
        with self.assertRaises(feeds.Enough):
            self.client.sum(itertools.chain([1, -2], itertools.repeat(1)))
        with self.client.chat("") as chat:
            chat.send("denied")
            err = self.fails("permission_denied", next, chat)
            self.assertEqual((err.outcome, err.detail(feeds.Ends)),
                             ("answered", feeds.Ends(7, ["x"])))
        for part in self.client.feed(1 << 30):
            break
        self.await_end("left")
        hasty = feeds.FeedsClient(self.channel.with_timeout(0.1))
        self.fails("deadline_exceeded", next, hasty.hang())
        self.fails("deadline_exceeded", list, hasty.feed(1 << 30))
        self.await_end("")

    def test_stopped_reader(self):
        stopped = self.client.feed(1 << 30, size=1000)
        next(stopped)
        for _ in range(10):
            self.assertEqual(len(list(self.client.feed(100, size=10_000))),
                             100)
        self.assertLessEqual(stopped._end.stream.held, 200 << 10)
        for i in range(1, 1000):
            self.assertEqual(next(stopped)[0], i % 256)
        stopped.close()


if __name__ == "__main__":
    unittest.main()
