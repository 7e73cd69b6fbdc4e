"""The mux protocol: clients whose servers are odd, go away or break."""

import threading
import time
import unittest

import echo
import every
import test_calls  # noqa: F401  it silences the log
from mux_raw import (
    CALL, CANCEL, ERROR, GOAWAY, HELLO, PING, RESULT, SETTINGS, answer_all,
    frame, raw_server, read_all, read_frame, settings)


class Clients(unittest.TestCase):
    """Clients against servers that are written out."""

    def test_names_are_repeated(self):
        log = []
        with raw_server(lambda sock: answer_all(sock, log)) as address:
            with every.Channel(address, timeout=20) as channel:
                client = every.EchoClient(channel)
                for i in range(1, 600):
                    self.assertEqual(client.ints(i), i)
                    if i % 3 == 0:
                        client.longs(i)
        ints = [flags & 1 for kind, flags, method, *_ in log
                if kind == CALL and method == 0]
        self.assertEqual([i for i, named in enumerate(ints) if named],
                         [0, 256, 512])
        ids = [id_ for kind, _, _, id_, _ in log if kind == CALL]
        self.assertEqual({id_ & 65535 for id_ in ids}, {0})
        self.assertTrue(all(a != b for a, b in zip(ids, ids[1:])))

    def test_a_slot_stays_taken(self):
        log, go = [], threading.Event()

        def serve(sock):
            first = read_frame(sock)
            log.append(read_frame(sock))
            go.wait(20)
            sock.sendall(frame(RESULT, id_=first[3], body=b"\x08\x01"))
            answer_all(sock)

        with raw_server(serve, HELLO + settings(calls=1)) as address:
            with every.Channel(address, timeout=20) as channel:
                hasty = every.EchoClient(channel.with_timeout(0.05))
                for outcome in "unknown", "not started":  # no slot is free
                    with self.assertRaises(every.RpcError) as caught:
                        hasty.ints(1)
                    self.assertEqual((caught.exception.code,
                                      caught.exception.outcome),
                                     ("deadline_exceeded", outcome))
                go.set()
                self.assertEqual(every.EchoClient(channel).ints(7), 7)
        self.assertEqual((log[0][0], log[0][4]), (CANCEL, b""))

    def test_settings(self):
        for pairs, outcome in (
                ({"message": 5}, "resource_exhausted"),
                ({"name": 5}, "resource_exhausted"),
                ({"metadata": 5}, "resource_exhausted"),
                ({"methods": 0}, "resource_exhausted"),
                ({"calls": 0}, "unavailable"),
                ({"message": 2**32 - 1, "calls": 2**32 - 1,
                  "metadata": 2**32 - 1, "name": 2**32 - 1,
                  "methods": 2**32 - 1}, None)):
            hello = HELLO + settings(**pairs)
            with self.subTest(pairs), raw_server(
                    answer_all, hello) as address, every.Channel(
                        address, timeout=20) as channel:
                client = every.EchoClient(channel)
                if "metadata" in pairs and outcome:
                    client = every.EchoClient(
                        channel.with_metadata({"abc": "d"}))
                if outcome is None:
                    self.assertEqual(client.strings("hello"), "hello")
                    continue
                with self.assertRaises(every.RpcError) as caught:
                    client.strings("hello")
                self.assertEqual((caught.exception.code,
                                  caught.exception.outcome),
                                 (outcome, "not started"))

    def test_greetings_that_are_bad(self):
        for hello in (b"HTTP/1.1 400 Bad Request\r\n\r\n",
                      b"\xd7YDL\2\0\0\0" + settings(), HELLO + frame(PING),
                      HELLO + frame(SETTINGS, body=b"12345"), HELLO[:5]):
            with self.subTest(hello), raw_server(
                    lambda sock: None, hello) as address:
                with every.Channel(address, timeout=20) as channel:
                    with self.assertRaises(every.RpcError) as caught:
                        every.EchoClient(channel).ints(1)
                    self.assertEqual((caught.exception.code,
                                      caught.exception.outcome),
                                     ("unavailable", "not started"))

    def test_outcome_of_a_cut(self):
        with raw_server(read_frame) as address:
            with every.Channel(address, timeout=20) as channel:
                client = every.EchoClient(channel)
                with self.assertRaises(every.RpcError) as caught:
                    client.ints(1)
                self.assertEqual((caught.exception.code,
                                  caught.exception.outcome),
                                 ("unavailable", "unknown"))
                with self.assertRaises(every.RpcError) as caught:
                    client.blobs(bytes(4000000))  # a piece is read of it
                self.assertEqual((caught.exception.code,
                                  caught.exception.outcome),
                                 ("unavailable", "not started"))

    def test_goaway_moves_calls(self):
        connections = []

        def serve(sock):
            connections.append(sock)
            if len(connections) == 1:
                first = read_frame(sock)
                sock.sendall(frame(GOAWAY, body=b"\x0egoing"))
                time.sleep(0.05)
                sock.sendall(frame(RESULT, id_=first[3], body=b"\x08\x05"))
            answer_all(sock)

        with raw_server(serve) as address:
            with every.Channel(address, timeout=20) as channel:
                client = every.EchoClient(channel)
                self.assertEqual(client.ints(5), 5)
                self.assertEqual(client.ints(6), 6)
        self.assertEqual(len(connections), 2)

    def test_refused_for_good(self):
        connections = []

        def serve(sock):
            connections.append(sock)
            sock.sendall(frame(GOAWAY, body=b"\x09TLS only"))
            read_all(sock)

        with raw_server(serve) as address:
            with every.Channel(address, timeout=20) as channel:
                with self.assertRaises(every.RpcError) as caught:
                    every.EchoClient(channel).ints(5)
        self.assertEqual(len(connections), 1)
        self.assertEqual((caught.exception.code, caught.exception.outcome),
                         ("unavailable", "not started"))
        self.assertIn("refuses the connection: TLS only",
                      caught.exception.message)
        self.assertNotIn("three times", caught.exception.message)

    def test_refused_in_the_middle(self):
        def serve(sock):
            first = read_frame(sock)
            sock.sendall(frame(ERROR, 16, id_=first[3], body=b"\x08no"))
            answer_all(sock)

        with raw_server(serve) as address:
            with every.Channel(address, timeout=20) as channel:
                client = every.EchoClient(channel)
                with self.assertRaises(every.RpcError) as caught:
                    client.blobs(bytes(4000000))
                self.assertEqual((caught.exception.code,
                                  caught.exception.outcome),
                                 ("resource_exhausted", "not started"))
                self.assertEqual(client.ints(3), 3)

    def test_reconnect(self):
        with every.Channel("mux://127.0.0.1:1", timeout=20) as channel:
            client = every.EchoClient(channel)
            with self.assertRaises(every.RpcError) as caught:
                client.ping()
            self.assertEqual(caught.exception.outcome, "not started")
            with echo.running() as (server, address):
                channel._link.address = server.address
                self.assertEqual(client.ints(1), 1)
            with every.Server(server.address, every.EchoService(
                    echo.Echo())) as again:
                thread = threading.Thread(target=again.serve_forever)
                thread.start()
                self.assertEqual(client.ints(2), 2)
                again.shutdown()
                thread.join()

    def test_closed(self):
        with echo.running() as (_, address):
            channel = every.Channel("mux://" + address)
            every.EchoClient(channel).ints(1)
            channel.close()
            with self.assertRaisesRegex(ValueError, "closed"):
                every.EchoClient(channel).ints(1)


if __name__ == "__main__":
    unittest.main()
