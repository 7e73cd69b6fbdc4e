"""The mux protocol: servers whose callers break the rules, or read nothing."""

import contextlib
import random
import socket
import struct
import threading
import time
import unittest

import echo
import every
import test_calls  # noqa: F401  it silences the log
from mux_raw import (
    CALL, ERROR, GOAWAY, HELLO, MORE, PING, PONG, RESULT, SERVERS, VECTORS,
    frame, greeted, raw_server, read_all, read_frame, settings, vector_server)


class Servers(unittest.TestCase):
    """Servers against clients that are written out, and a neighbour."""

    def test_truncated_everywhere(self):
        name = b"test.every.Echo/ints"
        whole = HELLO + settings(message=5000) + frame(
            CALL, 7, 0, 1, struct.pack("<H", len(name)) + name
            + struct.pack("<Q", 10**9)
            + b"\x08\0\0\0\1\0k\1\0\0\0v" + b"\x08\x06")
        with echo.running() as (_, address), every.Channel(
                "mux://" + address, timeout=20) as channel:
            for size in range(len(whole)):
                with echo.connected(address) as sock:
                    sock.sendall(whole[:size])
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(1000):
                        pass
            self.assertEqual(every.EchoClient(channel).ints(1), 1)

    def test_mutations(self):
        chance = random.Random(2)
        rows = [bytes.fromhex("".join(step.get("client", "")
                                      for step in row["steps"]))
                for row in VECTORS["conversations"]]
        with vector_server() as (_, address), every.Channel(
                "mux://" + address, timeout=20) as channel:
            for _ in range(300):
                data = bytearray(chance.choice(rows))
                for _ in range(chance.randint(1, 3)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                with greeted(address) as sock:
                    with contextlib.suppress(ConnectionError):
                        sock.sendall(data)
                        sock.shutdown(socket.SHUT_WR)
                    read_all(sock)
            self.assertEqual(every.EchoClient(channel).ints(1), 1)

    def test_silence(self):
        with echo.running(first_timeout=0.1, message_timeout=0.1) as (
                _, address):
            for data in b"\xd7", HELLO, HELLO + settings()[:5]:
                with self.subTest(data), echo.connected(address) as sock:
                    sock.sendall(data)
                    read_all(sock)
            with greeted(address) as sock:  # half a frame
                sock.sendall(frame(PING, body=b"12345678")[:15])
                self.assertEqual(read_all(sock)[-1][0], GOAWAY)
            with greeted(address) as sock:  # at rest between frames
                time.sleep(0.3)
                sock.sendall(frame(PING, body=b"12345678"))
                self.assertEqual(read_frame(sock), (PONG, 0, 0, 0,
                                                    b"12345678"))

    def test_floods_of_a_peer_that_never_reads(self):
        refused = frame(CALL, 1, 0, 0, struct.pack("<H", 7) + b"no/such")
        for flood in frame(PING, body=b"12345678") * 1000, refused * 1000:
            with echo.running(message_timeout=0.5) as (_, address):
                with echo.connected(address) as sock, every.Channel(
                        "mux://" + address, timeout=20) as channel:
                    sock.settimeout(20)
                    sock.sendall(HELLO + settings())
                    with self.assertRaises(ConnectionError):
                        while True:
                            sock.sendall(flood)
                    self.assertEqual(every.EchoClient(channel).ints(1), 1)

    def test_shutdown(self):
        for server_class in SERVERS:
            with self.subTest(server_class):
                self.check_shutdown(server_class)

    def check_shutdown(self, server_class):
        entered, leave, results = threading.Event(), threading.Event(), []

        class Slow(echo.Echo):
            def ints(self, value):
                entered.set()
                leave.wait(20)
                return value

        with echo.running(server_class, every.EchoService(Slow())) as (
                server, address), every.Channel("mux://" + address,
                                                timeout=20) as channel:
            client = every.EchoClient(channel)
            call = threading.Thread(
                target=lambda: results.append(client.ints(5)))
            call.start()
            entered.wait(20)
            stop = threading.Thread(target=server.shutdown)
            stop.start()
            mux = channel._link.client
            with mux.state:
                mux.state.wait_for(lambda: mux.leaving, 20)
            leave.set()
            call.join()
            stop.join()
            self.assertEqual(results, [5])
            with self.assertRaises(every.RpcError) as caught:
                client.ints(1)
            self.assertEqual(caught.exception.outcome, "not started")

    def test_shutdown_refuses_late_calls(self):
        with echo.running() as (server, address), greeted(address) as sock:
            stop = threading.Thread(target=server.shutdown)
            stop.start()
            self.assertEqual(read_frame(sock)[0], GOAWAY)
            kind, _, _, _, body = read_frame(sock)
            self.assertEqual(kind, PING)
            name = b"test.every.Echo/ping"
            sock.sendall(frame(CALL, 1, 0, 1, struct.pack(
                "<H", len(name)) + name))
            kind, flags, _, id_, body2 = read_frame(sock)
            self.assertEqual((kind, flags, id_, body2[0]),
                             (ERROR, 16, 1, 14))
            sock.sendall(frame(PONG, body=body))
            self.assertIsNone(read_frame(sock))
            sock.close()
            stop.join()

    def test_shutdown_cuts_in_the_end(self):
        with echo.running() as (server, address), greeted(address) as sock:
            server.shutdown(timeout=0.05)
            self.assertEqual([kind for kind, *_ in read_all(sock)],
                             [GOAWAY, PING])


class Limits(unittest.TestCase):
    """What a peer can hold of a server, in bytes and in time."""

    def named(self, method, id_=0, flags=1, body=b""):
        name = b"test.every.Echo/" + method
        return frame(CALL, flags, 0, id_, struct.pack("<H", len(name)) + name
                     + body)

    def test_unread_answers(self):
        begun = []

        class Large(echo.Echo):
            def strings(self, value):
                begun.append(1)
                time.sleep(0.05)
                return "x" * 3900000

        with echo.running(every.ThreadServer, every.EchoService(Large())) as (
                _, address), greeted(address) as sock:
            for slot in range(100):
                sock.sendall(self.named(b"strings", slot, 1, b"\x0a\x00"))
            time.sleep(1.5)
            self.assertLessEqual(len(begun), 8)  # on a busy machine
            got = set()
            sock.settimeout(60)
            size = 0
            while len(got) < 10 or size < 10 * 3900 * 1000:
                kind, _, _, id_, body = read_frame(sock)
                self.assertIn(kind, (RESULT, MORE))
                got.add(id_)
                size += len(body)

    def test_begun_calls(self):
        for drip in frame(MORE, body=b"x"), b"":
            with echo.running(message_timeout=0.4) as (_, address), \
                    greeted(address) as sock:
                began = time.monotonic()
                sock.sendall(self.named(b"ints", 0, 9, struct.pack(
                    "<I", 1000) + b"x"))
                sock.settimeout(0.1)
                answer = b""
                while len(answer) < 13:
                    self.assertLess(time.monotonic(), began + 20)
                    try:
                        answer += sock.recv(1000)
                    except socket.timeout:
                        sock.sendall(drip)
                self.assertEqual((answer[4], answer[5], answer[12]),
                                 (ERROR, 16, 4))
                self.assertGreater(time.monotonic(), began + 0.35)
                sock.settimeout(20)
                sock.sendall(drip + frame(PING, body=b"12345678"))
                self.assertEqual(read_frame(sock)[0], PONG)

    def test_begun_bytes(self):
        with echo.running(limit=1000) as (_, address), \
                greeted(address) as sock:
            for slot in range(9):
                sock.sendall(self.named(b"ints", slot, 9, struct.pack(
                    "<I", 1000) + b"x") + frame(MORE, 0, 0, slot, b"x" * 900))
            kind, flags, _, id_, body = read_frame(sock)
            self.assertEqual((kind, flags, id_, body[0]), (ERROR, 16, 8, 8))

    def test_a_byte_now_and_then(self):
        with echo.running(message_timeout=0.4) as (_, address), \
                greeted(address) as sock:
            began = time.monotonic()
            call = self.named(b"ints", 0, 1, b"x" * 1000)
            with self.assertRaises(OSError):
                for at in range(1000):
                    sock.sendall(call[at:at + 1])
                    time.sleep(0.1)
            self.assertLess(time.monotonic(), began + 20)

    def test_shutdown_of_silent_peers(self):
        whole = HELLO + settings()
        for data in (HELLO[:5], HELLO, whole, whole + b"x", whole + self.named(
                b"ints", 0, 9, struct.pack("<I", 1000) + b"x")):
            with self.subTest(data), echo.running() as (server, address), \
                    echo.connected(address) as sock:
                sock.sendall(data)
                if data.startswith(whole):
                    echo.read(sock, 8)
                    read_frame(sock)
                time.sleep(0.2)
                began = time.monotonic()
                server.shutdown(20)
                self.assertLess(time.monotonic(), began + 5)

    def test_swallowed(self):
        pinged = threading.Event()

        def serve(sock):
            for got in iter(lambda: read_frame(sock), None):
                if got[0] == PING:
                    pinged.set()

        self.addCleanup(setattr, every._MuxClient, "silence", 10.0)
        every._MuxClient.silence = 0.2
        with raw_server(serve) as target, every.Channel(target) as channel:
            with self.assertRaisesRegex(every.RpcError, "nothing came") as got:
                every.EchoClient(channel).ints(1)
            self.assertTrue(got.exception.may_have_run)
            self.assertTrue(pinged.is_set())

    def test_answers_in_pieces(self):
        def serve(sock):
            id_ = read_frame(sock)[3]
            sock.sendall(frame(RESULT, 8, 0, id_, struct.pack("<I", 99) + b"x"))
            read_all(sock)

        client = every._MuxClient
        start = client.start

        def quick(self, *work):
            self.stall = 0.3
            start(self, *work)

        self.addCleanup(setattr, client, "start", start)
        client.start = quick
        with raw_server(serve) as target, every.Channel(target) as channel:
            with self.assertRaisesRegex(every.RpcError, "not whole"):
                every.EchoClient(channel).ints(1)


if __name__ == "__main__":
    unittest.main()
