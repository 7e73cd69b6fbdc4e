"""Streams of every kind, between clients and servers of this module."""

import itertools
import threading
import time
import unittest

import echo
import feeding
import feeds
import test_calls  # noqa: F401  it silences the log
from feeding import both, serving


class Kinds(feeding.Case):
    @both
    def test_server_stream(self, handlers, client, channel):
        self.assertEqual(list(client.count(5)), [0, 1, 2, 3, 4])
        self.assertEqual(list(client.count(5, from_=3)), [3, 4])
        self.assertEqual(list(client.count(0)), [])
        for size, n in ((0, 3000), (1, 3000), (100, 3000), (4096, 300),
                        (40_000, 50), (65_536, 20), (1 << 20, 4),
                        ((4 << 20) - 10, 2)):
            got = 0
            for i, part in enumerate(client.feed(n, size=size)):
                self.assertTrue(part == bytes([i % 256]) * size, (i, size))
                got += 1
            self.assertEqual(got, n)

    @both
    def test_client_stream(self, handlers, client, channel):
        self.assertEqual(client.sum([1, 2, 3]), 6)
        self.assertEqual(client.sum(range(5000)), 12497500)
        self.assertEqual(client.sum(), 0)
        self.assertEqual(client.gather("sizes: ", (bytes(size) for size in (
            0, 1, 70_000, 1 << 20, (4 << 20) - 10))),
            "sizes: 0,1,70000,1048576,4194294")
        self.assertEqual(client.gather("none"), "none")
        self.assertIsNone(client.drain(["a", "", "b"]))

    @both
    def test_bidirectional(self, handlers, client, channel):
        with client.chat("> ") as chat:
            chat.send("a")
            self.assertEqual(next(chat), "> a")
            chat.send("")
            self.assertEqual(chat.recv(), "> ")
            with self.assertRaises(TimeoutError):
                chat.recv(timeout=0.01)
            chat.send("b")
            chat.send("c")
            chat.close_send()
            self.assertEqual(list(chat), ["> b", "> c"])
            self.assertEqual(list(chat), [])
            with self.assertRaises(EOFError):
                chat.recv()
            with self.assertRaises(EOFError):
                chat.send("too late")
        self.assertEqual(handlers.ended, ["done"])

    @both
    def test_both_directions_at_once(self, handlers, client, channel):
        sizes = [0, 1, 100, 5000, 70_000, 300_000, 1 << 20] * 5
        with client.echo() as parts:
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

    def test_many_streams_and_calls_at_once(self):
        with serving() as (handlers, client, channel):
            wrong = []

            def run(n):
                got = list(client.count(500 + n))
                if got != list(range(500 + n)):
                    wrong.append(n)
                if client.sum(range(n)) != sum(range(n)):
                    wrong.append(-n)
            threads = [threading.Thread(target=run, args=(n,))
                       for n in range(40)]
            for thread in threads:
                thread.start()
            for _ in range(100):
                client.ends()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            self.check_free(channel)


class FlowControl(feeding.Case):
    def test_stopped_reader(self):
        with serving() as (handlers, client, channel):
            stopped = client.feed(1 << 30, size=1000)
            next(stopped)
            for _ in range(20):
                self.assertEqual(len(list(client.feed(100, size=10_000))), 100)
            held = stopped._end.stream.held
            self.assertLessEqual(held, 200 << 10)
            self.assertLessEqual(sum(len(message) for message, _ in
                                     stopped._end.stream.messages), held)
            for i in range(1, 1000):  # and it goes on where it was
                self.assertEqual(next(stopped)[0], i % 256)
            stopped.close()
            self.check_free(channel)

    def test_handler_that_does_not_read(self):
        class Stopped(feeding.Feeds):
            go = threading.Event()

            def gather(self, prefix, parts):
                self.go.wait(20)
                return super().gather(prefix, parts)

        handlers = Stopped()
        with echo.running(feeds.ThreadServer, feeds.FeedsService(handlers)) \
                as (server, address), \
                feeds.Channel(address, timeout=30) as channel:
            client, sent, results = feeds.FeedsClient(channel), [], []

            def parts():
                for i in range(2000):
                    sent.append(i)
                    yield bytes(1000)
            thread = threading.Thread(target=lambda: results.append(
                client.gather("", parts())))
            thread.start()
            while len(sent) < 50:
                time.sleep(0.001)
            for _ in range(100):  # which the stream does not delay
                client.ends()
            self.assertLess(len(sent), 400)
            handlers.go.set()
            thread.join()
            self.assertEqual(results, [",".join(["1000"] * 2000)])
            self.check_free(channel)

    def test_answer_without_the_rest(self):
        class Hasty(feeding.Feeds):
            def gather(self, prefix, parts):
                return f"{prefix}{len(next(parts))}"

        with echo.running(feeds.ThreadServer, feeds.FeedsService(Hasty())) \
                as (server, address), \
                feeds.Channel(address, timeout=30) as channel:
            client = feeds.FeedsClient(channel)
            for _ in range(300):  # the connection's credit comes back
                self.assertEqual(client.gather("", itertools.repeat(
                    bytes(10_000))), "10000")
            self.check_free(channel)

    def test_calls_that_do_not_fit_beside_a_stream(self):
        with serving(feeds.Server, limit=10_000) as (handlers, client,
                                                     channel):
            chat, errors = client.chat(""), []
            chat.send("a")
            self.assertEqual(next(chat), "a")

            def gather():  # waits for the one thread; its call has no size
                errors.append(client.sum([1]))
            thread = threading.Thread(target=gather)
            thread.start()
            for i in range(300):  # is read on all the same
                chat.send("b" * 1000)
                self.assertEqual(next(chat), "b" * 1000)
            chat.close()
            thread.join()
            self.assertEqual(errors, [1])
            self.check_free(channel)


if __name__ == "__main__":
    unittest.main()
