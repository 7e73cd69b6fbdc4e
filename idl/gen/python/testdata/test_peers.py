"""Python servers whose peers misbehave, and what a shutdown waits for."""

import socket
import struct
import threading
import unittest

import echo
import every
from test_calls import PROTOCOLS


class Intruders(unittest.TestCase):
    """Peers that send what they should not, and a neighbour."""

    def test_bytes(self):
        divide_1 = echo.request("divide", b"\1\0\0\0\1")
        line = b'{"name": "divide", "params": {"num1": 1}}'
        intruders = [
            b"", b"\xff", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n",
            b"\0\0\1\1" + b"x" * 300, b"\0\xff\xff\xff",
            b"\0\0\0\6divide\xff\xff\xff\xff", b"\0\0\0\6divide\0\x40\0\1",
            b"\0\0\0\6divide\x80\0\0\0", b"{" * 100, b"\n" * 1000,
        ]
        intruders += [divide_1[:i] for i in range(len(divide_1))]
        intruders += [line[:i] for i in range(len(line) + 1)]
        for server_class in (every.Server, every.ThreadServer):
            with echo.running(server_class) as (_, address):
                with every.Channel("basic://" + address,
                                   timeout=20) as channel:
                    neighbour = every.Client(channel)
                    for data in intruders:
                        with self.subTest(server=server_class, data=data):
                            if server_class is every.ThreadServer:
                                self.assertEqual(neighbour.divide(8, num2=2), 4)
                            self.intrude(address, data)
                    self.assertEqual(neighbour.divide(8, num2=2), 4)

    def intrude(self, address, data):
        """Sends data and the end; the server must end the connection."""
        with echo.connected(address) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            try:
                while sock.recv(65536):
                    pass
            except ConnectionError:
                pass  # the server closed without having read all of it

    def test_reset(self):
        with echo.running() as (_, address), every.Channel(
                address) as channel:
            client = every.EchoClient(channel)
            for _ in range(20):
                sock = echo.connected(address)
                sock.sendall(echo.request("Echo.strings", b"\1" + echo.block(
                    b"x" * 100000)) * 3)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
                sock.close()
                self.assertEqual(client.ints(1), 1)

    def test_over_the_limit_is_told_why(self):
        for data, where in ((b"\0\0\1\1", "method name"),
                            (b"\0\0\0\4ping\0\x40\0\1", "arguments")):
            with echo.running() as (_, address):
                with echo.connected(address) as sock:
                    sock.sendall(data)
                    text = echo.read_error(sock)
                    self.assertTrue(text.startswith("resource_exhausted"))
                    self.assertIn(where, text)
                    self.assertEqual(sock.recv(1), b"")

    def test_over_the_limit_is_told_to_who_writes_on(self):
        for protocol in PROTOCOLS[:2]:
            with self.subTest(protocol), echo.running(limit=1000) as (
                    _, address):
                for _ in range(5):  # each on a connection of its own
                    with every.Channel(protocol + address) as channel:
                        with self.assertRaises(every.RpcError) as caught:
                            every.EchoClient(channel).strings("x" * 3_000_000)
                    self.assertEqual(caught.exception.code,
                                     "resource_exhausted")

    def test_silence(self):
        with echo.running(first_timeout=0.05, message_timeout=0.05) as (
                _, address):
            for data in (b"", b"\0", b"\0\0\0\4pi", b'{"name"', b"\r\n"):
                with self.subTest(data), echo.connected(address) as sock:
                    sock.sendall(data)
                    self.assertEqual(sock.recv(1), b"")
            with echo.connected(address) as sock:  # at rest between calls
                for _ in range(3):
                    sock.sendall(echo.request("Echo.ping"))
                    self.assertEqual(echo.read(sock, 1), b"\1")

    def test_a_peer_that_never_reads(self):
        with echo.running(message_timeout=0.2) as (_, address):
            with echo.connected(address) as sock:
                sock.settimeout(20)
                big = echo.request("Echo.strings",
                                   b"\1" + echo.block(b"x" * 4000000))
                with self.assertRaises((ConnectionError, socket.timeout)):
                    while True:
                        sock.sendall(big)


class Shutdown(unittest.TestCase):
    def test_running_calls_end(self):
        entered, leave = threading.Event(), threading.Event()

        class Slow(echo.Echo):
            def ints(self, value):
                entered.set()
                leave.wait(20)
                return value

        for server_class in (every.Server, every.ThreadServer):
            entered.clear()
            leave.clear()
            results = []
            with echo.running(server_class, every.EchoService(Slow())) as (
                    server, address), every.Channel(
                        "basic://" + address) as channel:
                client = every.EchoClient(channel)
                call = threading.Thread(
                    target=lambda: results.append(client.ints(5)))
                call.start()
                entered.wait(20)
                stop = threading.Thread(target=server.shutdown)
                stop.start()
                with server._state:
                    server._state.wait_for(lambda: server._stopping, 20)
                leave.set()
                stop.join()
                call.join()
                self.assertEqual(results, [5])
                with self.assertRaises(every.RpcError) as caught:
                    client.ints(1)
                self.assertFalse(caught.exception.may_have_run)

    def test_idle_connections_are_closed(self):
        for server_class in (every.Server, every.ThreadServer):
            with echo.running(server_class) as (server, address):
                sock = echo.connected(address)
                sock.sendall(echo.request("Echo.ping"))
                self.assertEqual(echo.read(sock, 1), b"\1")
                server.shutdown()
                self.assertEqual(sock.recv(1), b"")
                sock.close()

    def test_what_has_arrived_is_answered(self):
        entered, leave = threading.Event(), threading.Event()

        class Slow(echo.Echo):
            def ping(self):
                entered.set()
                leave.wait(20)

        for server_class in (every.Server, every.ThreadServer):
            entered.clear()
            leave.clear()
            with echo.running(server_class, every.EchoService(Slow())) as (
                    server, address), echo.connected(address) as sock:
                sock.sendall(echo.request("Echo.ping") * 3)
                entered.wait(20)
                with echo.connected(address) as waiting:
                    waiting.sendall(echo.request("Echo.ping"))
                    stop = threading.Thread(target=server.shutdown)
                    stop.start()
                    with server._state:
                        server._state.wait_for(lambda: server._stopping, 20)
                    leave.set()
                    self.assertEqual(echo.read(sock, 3), b"\1" * 3)
                    self.assertEqual(sock.recv(1), b"")
                    self.assertEqual(echo.read(waiting, 1), b"\1")
                    self.assertEqual(waiting.recv(1), b"")
                    stop.join()

    def test_what_takes_too_long_is_cut(self):
        entered, leave = threading.Event(), threading.Event()

        class Stuck(echo.Echo):
            def ping(self):
                entered.set()
                leave.wait(20)

        with echo.running(every.ThreadServer, every.EchoService(Stuck())) as (
                server, address), echo.connected(address) as sock:
            sock.sendall(echo.request("Echo.ping"))
            entered.wait(20)
            server.shutdown(timeout=0.01)
            self.assertEqual(sock.recv(1), b"")
            leave.set()

    def test_before_serving(self):
        with every.Server(("127.0.0.1", 0)) as server:
            server.shutdown()
            server.serve_forever()


if __name__ == "__main__":
    unittest.main()
