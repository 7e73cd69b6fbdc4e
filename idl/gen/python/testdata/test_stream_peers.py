"""Streams against peers that break the rules, or know none."""

import random
import struct
import threading
import unittest

import echo
import feeding
import feeds
import test_calls  # noqa: F401  it silences the log
from mux_raw import (
    CALL, CANCEL, CREDIT, END, ERROR, GOAWAY, HELLO, ITEM, PING, PONG, RESULT,
    STREAMING, frame, greeted, raw_server, read_all, read_frame, settings_of)

REST, PIECES, CONNECTION = 1, 8, 1


def call(name, flags=0x41, id_=0, method=0):
    full = b"test.feeds.Feeds/" + name.encode()
    return frame(CALL, flags, method, id_, struct.pack("<H", len(full)) + full)


class Stopped(feeding.Feeds):
    """Reads no parts until it may go on."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def drain(self, lines):
        self.go.wait(30)
        super().drain(lines)


class Servers(unittest.TestCase):
    def setUp(self):
        self.handlers = Stopped()
        running = echo.running(feeds.ThreadServer,
                               feeds.FeedsService(self.handlers))
        _, self.address = running.__enter__()
        self.addCleanup(running.__exit__, None, None, None)
        self.addCleanup(self.handlers.go.set)

    def refused(self, sock, text):
        frames = [got for got in read_all(sock) if got[0] == GOAWAY]
        self.assertEqual(len(frames), 1)
        self.assertIn(text, frames[0][4].decode())

    def test_more_than_the_credit_of_a_stream(self):
        with greeted(self.address, STREAMING) as sock:
            item = frame(ITEM, body=bytes(1012))
            sock.sendall(call("drain") + item * 64)  # to the last byte
            sock.sendall(frame(PING, body=b"and then"))
            self.assertEqual(read_frame(sock)[0], PONG)
            sock.sendall(frame(ITEM))
            self.refused(sock, "where there is credit for 65536")

    def test_credit_is_an_offset(self):
        with greeted(self.address, {7: 32768, 8: 1 << 20}) as sock:
            sock.sendall(call("feed") + frame(ITEM, body=b"\x08\x64\x10"
                                              b"\xe8\x07") + frame(END))
            self.assertEqual(self.read_items(sock, 32), 32)  # of 1015 bytes
            again = frame(CREDIT, body=struct.pack("<Q", 34000))
            sock.sendall(again * 3 + frame(CREDIT, body=bytes(8)))
            self.assertEqual(self.read_items(sock, 1), 1)
            sock.sendall(frame(PING, body=b"no more?"))
            self.assertEqual(read_frame(sock)[0], PONG)
            sock.sendall(frame(CREDIT, body=struct.pack("<Q", 2**64 - 1)))
            self.assertEqual(self.read_items(sock, 67), 67)
            self.assertEqual(read_frame(sock)[0], RESULT)

    def read_items(self, sock, n):
        return sum(read_frame(sock)[0] == ITEM for _ in range(n))

    def test_caller_that_is_gone(self):
        with greeted(self.address, STREAMING) as sock:
            sock.sendall(call("feed") + frame(
                ITEM, body=b"\x08\xff\xff\xff\xff\x07") + frame(END))
            self.assertEqual(read_frame(sock)[0], ITEM)
        self.assertEqual(self.handlers.told.get(timeout=20), "left")

    def test_settings_that_are_too_small(self):
        with echo.connected(self.address) as sock:
            sock.sendall(HELLO + settings_of({7: 1000, 8: 1000}))
            echo.read(sock, 8)
            self.refused(sock, "32768 are the least")

    def test_garbage(self):
        """Whatever comes, the server answers or says what is wrong."""
        rng = random.Random(1)
        for _ in range(150):
            with greeted(self.address, STREAMING) as sock:
                sock.sendall(call("sum") + call("chat", id_=1, method=1))
                data = b"".join(frame(
                    rng.choice((ITEM, END, CREDIT, CANCEL)),
                    rng.choice((0, 0, REST, PIECES)), 0, rng.randrange(3),
                    rng.randbytes(rng.randrange(9)))
                    for _ in range(rng.randrange(1, 8)))
                try:
                    sock.sendall(data + frame(PING, body=b"alive?!?"))
                    kinds = set()
                    while not kinds & {PONG, GOAWAY}:
                        kinds.add(read_frame(sock)[0])
                except ConnectionError:
                    pass  # it was closed behind its GOAWAY
        with feeds.Channel(self.address, timeout=30) as channel:
            self.assertEqual(feeds.FeedsClient(channel).sum([1, 2]), 3)


class Clients(unittest.TestCase):
    def test_server_without_streams(self):
        with raw_server(read_all) as address:
            with feeds.Channel(address, timeout=20) as channel:
                client = feeds.FeedsClient(channel)
                for make in (lambda: client.count(1), lambda: client.sum([]),
                             lambda: client.chat("")):
                    with self.assertRaises(feeds.RpcError) as caught:
                        make()
                    err = caught.exception
                    self.assertEqual((err.code, err.outcome),
                                     ("unimplemented", "not started"))
                    self.assertIn("it carries none", err.message)

    def exchange(self, serve, use):
        with raw_server(serve, HELLO + settings_of(STREAMING)) as address:
            with feeds.Channel(address, timeout=20) as channel:
                use(feeds.FeedsClient(channel))

    def test_more_than_the_credit(self):
        received = []

        def serve(sock):
            id_ = read_frame(sock)[3]
            sock.sendall(frame(ITEM, id_=id_, body=bytes(60000)) * 2)
            received.extend(read_all(sock))

        def use(client):
            stream = client.feed(1)
            while not received:  # and reads nothing
                threading.Event().wait(0.001)
            with self.assertRaises(feeds.RpcError) as caught:
                list(stream)
            self.assertEqual(caught.exception.code, "internal")  # the zeros

        self.exchange(serve, use)
        self.assertIn("credit for 65536", received[-1][4].decode())

    def test_results_where_there_is_one(self):
        for count in (0, 2):
            def serve(sock):
                id_ = read_frame(sock)[3]
                sock.sendall(frame(ITEM, id_=id_) * count
                             + frame(RESULT, id_=id_))
                read_all(sock)

            def use(client):
                with self.assertRaises(feeds.RpcError) as caught:
                    client.sum([1])
                self.assertEqual(caught.exception.code, "internal")
                self.assertIn(f"{count} results", caught.exception.message)

            self.exchange(serve, use)

    def test_cancel_is_sent_once(self):
        called, told, received = threading.Event(), threading.Event(), []

        def serve(sock):
            id_ = read_frame(sock)[3]
            called.set()
            while read_frame(sock)[0] != CANCEL:
                pass
            told.set()
            sock.sendall(frame(ITEM, id_=id_, body=b"\x08\x01")
                         + frame(ERROR, id_=id_, body=b"\x01"))
            received.extend(read_all(sock))

        def use(client):
            stream = client.count(1)
            self.assertTrue(called.wait(20))
            stream.close()
            stream.close()
            self.assertTrue(told.wait(20))
            del stream

        self.exchange(serve, use)
        self.assertNotIn(CANCEL, [kind for kind, *_ in received])


class Windows(unittest.TestCase):
    def test_growth(self):
        for trip, starved, want in ((0.05, True, 4 << 20),
                                    (0.0, True, 192 << 10),
                                    (0.05, False, 64 << 10)):
            window = feeds._Window(64 << 10, 4 << 20, feeds._Path())
            for _ in range(50):
                size = window.granted - window.arrived
                window.take(size - 1, "", False)
                self.assertTrue(window.read(size - 1))
                window.since -= trip
                window.take(2, "", starved)
                window.read(2)
            with self.subTest(trip=trip, starved=starved):
                self.assertEqual(window.size, want)


if __name__ == "__main__":
    unittest.main()
