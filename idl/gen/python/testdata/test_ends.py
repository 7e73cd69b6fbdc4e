"""How connections of the basic and the line protocol end, and when."""

import contextlib
import logging
import socket
import threading
import time
import unittest
from unittest import mock

import echo
import every

PROTOCOLS = ("basic://", "line://")
SERVERS = (every.Server, every.ThreadServer)
REQUESTS = {
    "basic://": echo.request("Echo.ping"),
    "line://": b'{"name": "Echo.ping"}\r\n',
}
ANSWERS = {"basic://": b"\1", "line://": b'{"result": null}\r\n'}
REFUSALS = {
    "basic://": b"\xff" + echo.block(
        b"unavailable (not started): the server is shutting down"),
    "line://": b'{"error": {"type": "unavailable", "message": '
               b'"the server is shutting down", "not_started": true}}\r\n',
}

logging.getLogger("yodel").addHandler(logging.NullHandler())


class Held(echo.Echo):
    """Its ping waits for a word; what ran is counted."""

    def __init__(self):
        super().__init__()
        self.entered, self.leave = threading.Event(), threading.Event()
        self.ran = []

    def ping(self):
        self.entered.set()
        self.leave.wait(20)

    def ints(self, value):
        self.ran.append(value)
        return value


def each():
    for server_class in SERVERS:
        for protocol in PROTOCOLS:
            yield server_class, protocol


def stop(server, timeout=30):
    """Begins a shutdown; gives its thread."""
    thread = threading.Thread(target=server.shutdown, args=(timeout,))
    thread.start()
    with server._state:
        server._state.wait_for(lambda: server._stopping, 20)
    return thread


def times(farewell, last_words):
    return mock.patch.multiple(every, _PARTING=farewell,
                               _LAST_WORDS=last_words)


def settled(server):
    """Waits until a connection knows what has arrived at the shutdown."""
    while any(c.stream.left is None for c in list(server._connections)):
        time.sleep(0.001)


def read_end(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def drip(sock, data):
    """Sends byte after byte, until the other side ends; gives how many."""
    sock.settimeout(0.02)
    for count in range(len(data)):
        try:
            sock.sendall(data[count:count + 1])
            if sock.recv(1) == b"":
                return count
        except socket.timeout:
            pass
        except ConnectionError:
            return count
    return len(data)


class Refusals(unittest.TestCase):
    def setUp(self):
        patience = times(10, 10)  # for a machine that is busy
        patience.start()
        self.addCleanup(patience.stop)

    def test_what_comes_later_is_refused(self):
        for server_class, protocol in each():
            held = Held()
            with self.subTest(server=server_class, protocol=protocol), \
                    echo.running(server_class, every.EchoService(held)) as (
                        server, address), echo.connected(address) as sock:
                sock.sendall(REQUESTS[protocol])
                held.entered.wait(20)
                stopping = stop(server)
                held.leave.set()
                answer = ANSWERS[protocol]
                self.assertEqual(echo.read(sock, len(answer)), answer)
                settled(server)
                refusal = REFUSALS[protocol]
                for _ in range(3):
                    sock.sendall(REQUESTS[protocol])
                    self.assertEqual(echo.read(sock, len(refusal)), refusal)
                sock.shutdown(socket.SHUT_WR)
                self.assertTrue(read_end(sock))
                stopping.join()

    def test_a_part_has_a_second_to_become_whole(self):
        for server_class, protocol in each():
            held, request = Held(), REQUESTS[protocol]
            held.leave.set()
            with self.subTest(server=server_class, protocol=protocol), \
                    echo.running(server_class, every.EchoService(held)) as (
                        server, address), echo.connected(address) as sock:
                sock.sendall(request)
                answer = ANSWERS[protocol]
                self.assertEqual(echo.read(sock, len(answer)), answer)
                sock.sendall(request[:5])
                stream = next(iter(server._connections)).stream
                while stream.arrived < 5:
                    time.sleep(0.001)
                stopping = stop(server)
                settled(server)
                sock.sendall(request[5:] + request)
                both = answer + REFUSALS[protocol]
                self.assertEqual(echo.read(sock, len(both)), both)
                sock.shutdown(socket.SHUT_WR)
                self.assertTrue(read_end(sock))
                stopping.join()

    def test_clients_read_the_mark(self):
        for protocol in PROTOCOLS:
            answers = (REFUSALS[protocol], ANSWERS[protocol])
            with self.subTest(protocol), echo.scripted(*answers) as (
                    address, _), every.Channel(protocol + address, 20) as (
                    channel):
                client = every.EchoClient(channel)
                with self.assertRaises(every.RpcError) as caught:
                    client.ping()
                self.assertEqual(vars(caught.exception), {
                    "code": "unavailable", "outcome": "not started",
                    "details": (), "message": "the server is shutting down"})
                self.assertIsNone(channel._link.stream)
                client.ping()

    def test_handlers_cannot_forge_the_mark(self):
        class Forger(echo.Echo):
            def ints(self, value):
                raise (every.RpcError("unavailable (not started)", "x"),
                       every.RpcError("unavailable", "x", "not started"),
                       every.RpcError("x: unavailable (not started)", "x"),
                       every.RpcError("unknown", "aborted (not started): x"),
                       )[value]

        for protocol in PROTOCOLS:
            with echo.running(every.Server, every.EchoService(Forger())) as (
                    _, address), every.Channel(protocol + address, 20) as (
                    channel):
                for i, code in enumerate(("unknown", "unavailable", "unknown",
                                          "unknown")):
                    with self.subTest(protocol, i=i):
                        with self.assertRaises(every.RpcError) as caught:
                            every.EchoClient(channel).ints(i)
                        self.assertEqual(
                            (caught.exception.code, caught.exception.outcome),
                            (code, "answered"))

    def test_no_call_is_in_doubt(self):
        for protocol in PROTOCOLS:
            for _ in range(5):
                with self.subTest(protocol):
                    self.check_restart(protocol)

    def check_restart(self, protocol):
        held, errors, answered = Held(), [], []
        enough, begin = threading.Event(), threading.Barrier(8)

        def work(address):
            with every.Channel(protocol + address, 20) as channel:
                client = every.EchoClient(channel)
                answered.append(client.ints(0))
                begin.wait(20)
                while True:
                    try:
                        answered.append(client.ints(len(answered)))
                    except every.RpcError as err:
                        errors.append((err.code, err.outcome))
                        return
                    if len(answered) > 50:
                        enough.set()

        with echo.running(every.ThreadServer, every.EchoService(held)) as (
                server, address):
            threads = [threading.Thread(target=work, args=(address,))
                       for _ in range(8)]
            for thread in threads:
                thread.start()
            enough.wait(20)
            server.shutdown()
            for thread in threads:
                thread.join()
        self.assertEqual(errors, [("unavailable", "not started")] * 8)
        self.assertEqual(len(held.ran), len(answered))


class Silence(unittest.TestCase):
    """Peers that hold nothing for long."""

    def setUp(self):
        short = times(0.05, 0.2)
        short.start()
        self.addCleanup(short.stop)

    def check_shutdown(self, server, seconds=8):
        start = time.monotonic()
        server.shutdown(60)
        self.assertLess(time.monotonic() - start, seconds)

    def test_half_a_message_does_not_hold_shutdown(self):
        for server_class in SERVERS:
            for half in (b"\0", echo.request("Echo.ping")[:-1], b"{", b"\r\n",
                         b"", b"\xd7YDL", b"\xd7YDL\1\0\0\0"):
                with self.subTest(server=server_class, half=half), \
                        echo.running(server_class, first_timeout=60,
                                     message_timeout=60) as (
                            server, address), echo.connected(address) as sock:
                    sock.sendall(half)
                    self.check_shutdown(server)

    def test_many_halves_do_not_hold_shutdown(self):
        with contextlib.ExitStack() as stack:
            server, address = stack.enter_context(echo.running(
                every.Server, first_timeout=60, message_timeout=60))
            for _ in range(20):
                sock = stack.enter_context(echo.connected(address))
                sock.sendall(b"\0")
            self.check_shutdown(server)

    def test_a_peer_that_never_reads_does_not_hold_shutdown(self):
        request = echo.request("Echo.blobs", b"\1" + echo.block(bytes(4 << 20)
                                                              [:4000000]))
        for server_class in SERVERS:
            with self.subTest(server_class), echo.running(
                    server_class, message_timeout=60) as (
                    server, address), echo.connected(address) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

                def write():
                    with contextlib.suppress(OSError):
                        while True:
                            sock.sendall(request)

                writer = threading.Thread(target=write)
                writer.start()
                while not any(c.stream.blocked
                              for c in list(server._connections)):
                    time.sleep(0.001)
                self.check_shutdown(server)
                writer.join()

    def test_drip(self):
        for protocol in PROTOCOLS:
            request, answer = REQUESTS[protocol], ANSWERS[protocol]
            slow = request[:1] + b" " * 500
            if protocol == "basic://":
                slow = echo.request("Echo.strings", b"\1" + echo.block(
                    b"x" * 500))[:400]
            with self.subTest(protocol), echo.running(
                    first_timeout=0.3, message_timeout=60) as (_, address):
                with echo.connected(address) as sock:
                    self.assertLess(drip(sock, slow), 300)
            with self.subTest(protocol, later=True), echo.running(
                    message_timeout=0.3) as (_, address):
                with echo.connected(address) as sock:
                    sock.sendall(request)
                    self.assertEqual(echo.read(sock, len(answer)), answer)
                    self.assertLess(drip(sock, slow), 300)

    def test_what_has_arrived_gives_time(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        with ours, theirs:
            stream = every._Stream.__new__(every._Stream)
            stream.sock, stream.limit = ours, 1 << 20
            stream.buffer, stream.deadline = bytearray(), 99
            stream.expect(30)
            self.assertEqual(stream.read_by(), 99)
            theirs.sendall(bytes(40000))
            stream.read(40000)
            self.assertEqual(stream.read_by(), stream.began + 32)
            stream.expect(None)
            self.assertEqual(stream.read_by(), 99)

    def test_an_answer_that_drips(self):
        for protocol, answer in (("basic://", b"\1" + echo.block(b"x" * 500)),
                                 ("line://", b'{"result": "' + b"x" * 500)):
            with self.subTest(protocol), socket.create_server(
                    ("127.0.0.1", 0)) as listener, mock.patch.object(
                        every, "_MESSAGE_TIME", 0.3):
                sent = []

                def serve():
                    sock, _ = listener.accept()
                    with sock:
                        sock.recv(65536)
                        sent.append(drip(sock, answer))

                thread = threading.Thread(target=serve)
                thread.start()
                with every.Channel(
                        protocol + "%s:%d" % listener.getsockname()) as (
                        channel):
                    with self.assertRaises(every.RpcError) as caught:
                        every.EchoClient(channel).strings("")
                    thread.join()
                err = caught.exception
                self.assertEqual((err.code, err.outcome),
                                 ("unavailable", "unknown"))
                self.assertIn("not whole in its time", err.message)
                self.assertLess(sent[0], 300)

    def test_a_connection_that_the_network_swallows(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), echo.scripted(
                    ANSWERS[protocol], b"", ANSWERS[protocol]) as (
                    address, _), every.Channel(protocol + address) as channel:
                client = every.EchoClient(channel)
                client.ping()
                with self.assertRaises(every.RpcError) as caught:
                    every.EchoClient(channel.with_timeout(0.05)).ping()
                self.assertEqual(caught.exception.code, "deadline_exceeded")
                client.ping()  # over another one


if __name__ == "__main__":
    unittest.main()
