"""The mux protocol: its vectors from both sides, and many calls at once."""

import contextlib
import json
import random
import socket
import struct
import threading
import time
import unittest

import echo
import every
import test_calls  # noqa: F401  it silences the log

VECTORS = echo.vectors("mux/testdata/vectors.json")
HELLO = bytes.fromhex("d759444c01000000")
SERVERS = (every.Server, every.ThreadServer)
SETTINGS, CALL, RESULT, EXCEPTION, ERROR, CANCEL, MORE, PING, PONG, GOAWAY = \
    range(1, 11)


def frame(kind, flags=0, method=0, id_=0, body=b""):
    return struct.pack("<IBBHI", len(body), kind, flags, method, id_) + body


def settings(**pairs):
    keys = ("message", "calls", "metadata", "name", "methods")
    return frame(SETTINGS, body=b"".join(
        struct.pack("<HI", keys.index(key) + 1, pairs[key]) for key in pairs))


def read_frame(sock):
    """Gives type, flags, method, id and body, or None at the end."""
    try:
        header = echo.read(sock, 12)
        size, kind, flags, method, id_ = struct.unpack("<IBBHI", header)
        return kind, flags, method, id_, echo.read(sock, size)
    except (EOFError, ConnectionError):
        return None


def read_all(sock):
    return list(iter(lambda: read_frame(sock), None))


def greeted(address):
    """Gives a connection behind the exchange of settings."""
    sock = echo.connected(address)
    sock.sendall(HELLO + settings())
    if echo.read(sock, 8) != HELLO or read_frame(sock)[0] != SETTINGS:
        raise AssertionError("no preface and settings")
    sock.sendall(frame(PING, body=b"greeting"))
    if read_frame(sock)[0] != PONG:
        raise AssertionError("no PONG")
    return sock


def vector_server(server_class=every.ThreadServer):
    return echo.running(server_class, every.EchoService(echo.Echo()),
                        every.Service(echo.Divide()), limit=1000)


@contextlib.contextmanager
def raw_server(serve, hello=None):
    """Runs a server: serve(sock) is called for each connection in turn."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(20)
                echo.read(sock, 8)
                read_frame(sock)
                sock.sendall(hello or HELLO + settings())
                serve(sock)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield "mux://%s:%d" % listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def answer_all(sock, log=None):
    """Answers every call with its own arguments, till the end."""
    for kind, flags, method, id_, body in iter(lambda: read_frame(sock),
                                               None):
        if log is not None:
            log.append((kind, flags, method, id_, body))
        if kind == CALL:
            if flags & 1:
                body = body[2 + struct.unpack_from("<H", body)[0]:]
            if flags & 2:
                body = body[8:]
            sock.sendall(frame(RESULT, id_=id_, body=body))


class Vectors(unittest.TestCase):
    def test_prefaces(self):
        for row in VECTORS["prefaces"]:
            ours, theirs = socket.socketpair(socket.AF_UNIX)
            with self.subTest(row["name"]), ours, theirs:
                theirs.sendall(bytes.fromhex(row["hex"]))
                stream = every._Stream.__new__(every._Stream)
                stream.sock, stream.limit = ours, 1000
                stream.buffer, stream.deadline = bytearray(), None
                stream.expect(None)
                peer = every._MuxPeer(stream, 1000, 30)
                self.assertEqual(peer.read_preface(), row["version"])

    def test_frames(self):
        for row in VECTORS["frames"]:
            with self.subTest(row["name"]):
                data = bytes.fromhex(row["hex"])
                got = every._MuxPeer.parse(None, data[:12], lambda size:
                                           data[12:12 + size])
                self.assertEqual([got.kind, got.flags, got.method, got.id],
                                 [row["type"], row["flags"], row["method"],
                                  row["id"]])
                self.check_body(row, got)
                got.body = data[12:]
                again = every._frame(got.kind, got.flags, got.method, got.id,
                                     got.body)
                self.assertEqual(again, data)

    def check_body(self, row, got):
        if "method_name" in row:
            name = got.take(got.number(2, ""), "").decode()
            self.assertEqual(name, row["method_name"])
        if "deadline" in row:
            self.assertEqual(got.number(8, ""), row["deadline"])
        if "metadata" in row:
            pairs, block = row["metadata"], got.body
            values = got.metadata(1000)
            self.assertEqual([[key, value] for key in values
                              for value in values[key]], pairs)
            again = every._metadata_block(values)
            self.assertIn(len(again).to_bytes(4, "little") + again, block)
        if "code" in row:
            self.assertEqual(every._coded(row["code"], row["text"]), got.body)
            self.assertEqual(every._read_coded(got),
                             (row["code"], row["text"]))
        if "total" in row:
            pieces = got.pieces(2**32)
            self.assertEqual(pieces.total, row["total"])
            self.assertEqual(pieces.data.hex(), row["message"])
        elif "message" in row:
            self.assertEqual(got.body.hex(), row["message"])

    def test_openings(self):
        with vector_server() as (_, address):
            for row in VECTORS["openings"]:
                with self.subTest(row["name"]):
                    with echo.connected(address) as sock:
                        sock.sendall(bytes.fromhex(row["client"]))
                        want = bytes.fromhex(row["server"])
                        self.assertEqual(echo.read(sock, len(want)), want)
                        kinds = [kind for kind, *_ in read_all(sock)]
                        self.assertIn(kinds, ([], [SETTINGS],
                                              [SETTINGS, GOAWAY]))

    def test_conversations(self):
        for server_class in SERVERS:
            with vector_server(server_class) as (_, address):
                for row in VECTORS["conversations"]:
                    with self.subTest(row["name"], server_class=server_class):
                        with greeted(address) as sock:
                            self.converse(sock, row)

    def converse(self, sock, row):
        for step in row["steps"]:
            sock.sendall(bytes.fromhex(step.get("client", "")))
            want = bytes.fromhex(step.get("server", ""))
            self.assertEqual(echo.read(sock, len(want)).hex(), want.hex())
            if "error" in step:
                self.check_error(read_frame(sock), **step["error"])
        if "goaway" in row:
            self.assertIn(row["goaway"], [
                every._CODES[body[0] - 1]
                for kind, _, _, _, body in read_all(sock) if kind == GOAWAY])

    def check_error(self, got, id, code, not_started=None):
        kind, flags, _, got_id, body = got
        self.assertEqual((kind, got_id, every._CODES[body[0] - 1]),
                         (ERROR, id, code), body)
        if not_started is not None:
            self.assertEqual(flags, 16 * not_started)

    def test_answers(self):
        for row in VECTORS["answers"]:
            received = []

            def serve(sock):
                id_ = read_frame(sock)[3]
                sock.sendall(self.with_id(bytes.fromhex(row["server"]), id_))
                received.extend(read_all(sock))

            with self.subTest(row["name"]):
                with raw_server(serve) as address:
                    with every.Channel(address, timeout=20,
                                       limit=1000) as channel:
                        self.check_answer(every.Client(channel), row["want"])
                if "goaway" in row["want"]:
                    kind, _, _, _, body = received[-1]
                    self.assertEqual((kind, every._CODES[body[0] - 1]),
                                     (GOAWAY, row["want"]["goaway"]))

    def with_id(self, data, id_):
        data, at = bytearray(data), 0
        while at < len(data):
            if data[at + 4] in (RESULT, EXCEPTION, ERROR, MORE):
                struct.pack_into("<I", data, at + 8, id_)
            at += 12 + struct.unpack_from("<I", data, at)[0]
        return bytes(data)

    def check_answer(self, client, want):
        if "result" in want:
            self.assertEqual(client.divide(6, num2=2), want["result"])
        elif "exception" in want:
            with self.assertRaises(every.InvalidOperation) as caught:
                client.divide(6, num2=2)
            self.assertEqual(caught.exception.message, want["exception"])
        else:
            with self.assertRaises(every.RpcError) as caught:
                client.divide(6, num2=2)
            err = caught.exception
            self.assertEqual((err.code, err.outcome),
                             (want["code"], want["outcome"]), err)
            self.assertEqual(err.message, want.get("message", err.message))
            details = [[name, json.loads(bytes.fromhex(data)) if form == 2
                        else bytes.fromhex(data)]
                       for name, form, data in want.get("details", [])]
            self.assertEqual([[detail.name, detail.data]
                              for detail in err.details], details)


class Concurrency(unittest.TestCase):
    def test_calls_run_at_once(self):
        together = threading.Barrier(8)

        class Meeting(echo.Echo):
            def ints(self, value):
                together.wait(20)
                return value

        with echo.running(every.ThreadServer, every.EchoService(Meeting())) \
                as (server, address):
            self.assertEqual(self.call_from_threads(address, 8),
                             list(range(8)))
            self.assertLessEqual(len(server._connections), 1)

    def call_from_threads(self, address, count):
        results = []
        with every.Channel("mux://" + address, timeout=20) as channel:
            client = every.EchoClient(channel)
            threads = [threading.Thread(
                target=lambda n=n: results.append(client.ints(n)))
                for n in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return sorted(results)

    def test_one_after_another(self):
        threads, running = set(), []

        class Alone(echo.Echo):
            def ints(self, value):
                threads.add(threading.current_thread())
                running.append(value)
                time.sleep(0.001)
                if running != [value]:
                    raise AssertionError("two at once")
                return running.pop()

        with echo.running(every.Server, every.EchoService(Alone())) as (
                _, address):
            self.assertEqual(self.call_from_threads(address, 8),
                             list(range(8)))
        self.assertEqual(len(threads), 1)

    def test_more_calls_than_slots(self):
        with echo.running() as (_, address):
            self.assertEqual(self.call_from_threads(address, 200),
                             list(range(200)))

    def test_large_and_small(self):
        blob = random.Random(1).randbytes(1 << 20)
        with echo.running() as (_, address), every.Channel(
                "mux://" + address, timeout=60) as channel:
            client, wrong = every.EchoClient(channel), []

            def large():
                if client.blobs(blob) != blob:
                    wrong.append("a blob")

            threads = [threading.Thread(target=large) for _ in range(4)]
            for thread in threads:
                thread.start()
            for i in range(200):
                if client.ints(i) != i:
                    wrong.append(i)
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            for size in (65490, 65500, 65510, 65520, 65524, 65530, 131048,
                         (4 << 20) - 10):
                self.assertEqual(len(client.blobs(bytes(size))), size)


class Calls(unittest.TestCase):
    def test_deadline_and_cancel(self):
        seen, ended = [], threading.Event()

        class Slow(echo.Echo):
            def ints(self, value):
                call = every.current_call()
                seen.append(call.time_left())
                call.cancelled.wait(20)
                ended.set()
                return value

        for server_class in SERVERS:
            with echo.running(server_class, every.EchoService(Slow())) as (
                    _, address), every.Channel("mux://" + address) as channel:
                ended.clear()
                hasty = every.EchoClient(channel.with_timeout(0.2))
                with self.assertRaises(every.RpcError) as caught:
                    hasty.ints(1)
                err = caught.exception
                self.assertEqual((err.code, err.outcome),
                                 ("deadline_exceeded", "unknown"))
                self.assertTrue(ended.wait(20))
                self.assertGreater(seen[-1], 0)
                self.assertLessEqual(seen[-1], 0.2)
                self.assertEqual(every.EchoClient(channel).longs(1), 1)

    def test_no_deadline(self):
        class Look(echo.Echo):
            def ints(self, value):
                call = every.current_call()
                return -1 if call.deadline or call.metadata else value

        with echo.running(every.Server, every.EchoService(Look())) as (
                _, address):
            for protocol in test_calls.PROTOCOLS:
                with every.Channel(protocol + address) as channel:
                    self.assertEqual(every.EchoClient(channel).ints(1), 1)
        with self.assertRaises(RuntimeError):
            every.current_call()

    def test_disconnect_cancels(self):
        entered, ended = threading.Event(), threading.Event()

        class Slow(echo.Echo):
            def ping(self):
                entered.set()
                if every.current_call().cancelled.wait(20):
                    ended.set()

        with echo.running(every.ThreadServer, every.EchoService(Slow())) as (
                _, address):
            with greeted(address) as sock:
                name = b"test.every.Echo/ping"
                sock.sendall(frame(CALL, 1, body=struct.pack(
                    "<H", len(name)) + name))
                self.assertTrue(entered.wait(20))
            self.assertTrue(ended.wait(20))

    def test_metadata(self):
        class Look(echo.Echo):
            def strings(self, value):
                return repr(sorted(every.current_call().metadata.items()))

        with echo.running(every.Server, every.EchoService(Look())) as (
                _, address), every.Channel("mux://" + address) as channel:
            more = channel.with_metadata({"trace": "a\u20ac"}).with_metadata(
                {"b.1_2-3": ["x", ""]}).with_timeout(20)
            self.assertEqual(
                every.EchoClient(more).strings(""),
                "[('b.1_2-3', ['x', '']), ('trace', ['a\u20ac'])]")
            self.assertEqual(every.EchoClient(channel).strings(""), "[]")
            for bad in ({"A": ""}, {"": ""}, {"a\n": ""}, {"k" * 257: ""}):
                with self.subTest(bad), self.assertRaises(ValueError):
                    channel.with_metadata(bad)
            with self.assertRaises(TypeError):
                channel.with_metadata({"a": [b"bytes"]})
            with self.assertRaises(every.RpcError) as caught:
                large = channel.with_metadata({"a": "x" * 8192})
                every.EchoClient(large).strings("")
            self.assertEqual((caught.exception.code,
                              caught.exception.outcome),
                             ("resource_exhausted", "not started"))
        with every.Channel("basic://127.0.0.1:1") as channel:
            with self.assertRaises(ValueError):
                channel.with_metadata({"a": "b"})

    def test_without_a_scheme(self):
        with every.Channel("127.0.0.1:1") as channel:
            channel.with_metadata({"a": "b"})  # which mux alone carries
        with raw_server(lambda sock: None, b"\1\0\0\0\0") as address:
            bare = address[len("mux://"):]
            with every.Channel(bare, timeout=20) as channel:
                with self.assertRaisesRegex(
                        every.RpcError,
                        "if it speaks basic or line, the target is "
                        f"basic://{bare} or line://{bare}"):
                    every.EchoClient(channel).ints(1)


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


class Wire(unittest.TestCase):
    """Protobuf's wire format, where Go's encoder does not show all of it."""

    def read(self, type_, text):
        return every._WireReader(bytes.fromhex(text)).fields(type_.fields)

    def test_what_is_read(self):
        optional = every._type_Optionals
        containers = every._type_Containers
        for type_, data, want in (
                (containers, "0801 0a020203 0804", {1: [1, 2, 3, 4]}),
                (containers, "08ffffffffffffffffff01", {1: [-1]}),
                (containers, "08ffffffff0f", {1: [-1]}),
                (containers, "08ffffffffff01", {1: [-1]}),
                (containers, "2a050a01611001 2a050a01611002 2a00",
                 {5: {"a": 2, "": 0}}),
                (containers, "3200", {6: {0: {}}}),
                (containers, "4a00 4a09090000000000000040", {9: {1: 2.0}}),
                (containers, "5a020801 5a0412020805", {11: {
                    1: 1, 2: [{1: 5}]}}),
                (containers, "52060a0012020801", {10: {2: {1: 1}}}),
                (containers, "52020a00", {10: {1: {}}}),
                (containers, "52031a0178 5200", {10: {3: "x"}}),
                (optional, "0802", {1: True}),
                (optional, "2a0508ff011000", {5: (255, 0)}),
                (optional, "320b10ffffffffffffffffff01", {6: -1}),
                (optional, "9206 0161", {}),
                (optional, "a306 0801 ab060801ac06 a406 0801", {1: True})):
            with self.subTest(data):
                self.assertEqual(self.read(type_, data.replace(" ", "")),
                                 want)

    def test_what_is_refused(self):
        type_ = every._type_Optionals
        for data in ("08", "0880", "08" + "ff" * 10 + "01", "1a0561", "1a",
                     "1a01ff", "0001", "0a00", "0d00000000", "18", "1801",
                     "0c", "a306", "a306ac06", "0e", "8080808080" * 2 + "01",
                     "2a0b10ffffffffffffffffff01", "32070880808080 8020",
                     "a306" * 101):
            with self.subTest(data), self.assertRaises(every._BadMessage):
                self.read(type_, data)

    def test_nesting(self):
        data = b""
        for _ in range(99):
            data = every._wire_block(2, data)
        fields = every._type_Node.fields
        every._WireReader(data).fields(fields)
        deep = every._wire_block(2, every._wire_block(2, data))
        with self.assertRaises(every._BadMessage):
            every._WireReader(deep).fields(fields)

    def test_millions_of_empty_items(self):
        data = b"\x12\0" * 200000 + b"\x2a\0" * 200000
        start = time.monotonic()
        plain = every._WireReader(data).fields(every._type_Containers.fields)
        self.assertEqual(len(plain[2]), 200000)
        self.assertLess(time.monotonic() - start, 20)

    def test_mutations(self):
        chance = random.Random(3)
        type_ = every._type_Containers
        plain = every._lower(type_, test_calls.one_of_everything(), "")
        whole = every._wire_fields(type_.fields, plain)
        self.assertEqual(every._WireReader(whole).fields(type_.fields), plain)
        for _ in range(3000):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 3)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with contextlib.suppress(every._BadMessage):
                got = every._WireReader(data).fields(type_.fields)
                with contextlib.suppress(every._BadMessage):
                    every._lift(type_, got)


if __name__ == "__main__":
    unittest.main()
