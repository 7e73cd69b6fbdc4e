"""The mux protocol: its vectors from both sides, and many calls at once."""

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
from mux_raw import (
    CALL, CREDIT, END, ERROR, EXCEPTION, GOAWAY, HELLO, ITEM, MORE, RESULT,
    SERVERS, SETTINGS, STREAMING, VECTORS, frame, greeted, raw_server,
    read_all, read_frame, settings_of, vector_server)


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
                        with greeted(address, row.get("settings")) as sock:
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

    def test_stream_answers(self):
        for row in VECTORS["stream_answers"]:
            received = []

            def serve(sock):
                id_ = read_frame(sock)[3]
                while read_frame(sock)[0] != END:
                    pass
                sock.sendall(self.with_id(bytes.fromhex(row["server"]), id_))
                received.extend(read_all(sock))

            with self.subTest(row["name"]):
                hello = HELLO + settings_of(STREAMING)
                with raw_server(serve, hello) as address:
                    with every.Channel(address, timeout=20,
                                       limit=1000) as channel:
                        self.check_stream(every.EchoClient(channel),
                                          row["want"])
                if "goaway" in row["want"]:
                    kind, _, _, _, body = received[-1]
                    self.assertEqual((kind, every._CODES[body[0] - 1]),
                                     (GOAWAY, row["want"]["goaway"]))

    def check_stream(self, client, want):
        got = []
        try:
            for result in client.ticks(3):
                got.append(result)
            self.assertNotIn("code", want)
        except every.RpcError as err:
            self.assertEqual(
                (err.code, err.outcome, err.message),
                (want.get("code"), want.get("outcome", err.outcome),
                 want.get("message", err.message)), err)
        self.assertEqual(got, want["results"])

    def with_id(self, data, id_):
        data, at = bytearray(data), 0
        while at < len(data):
            if data[at + 4] in (RESULT, EXCEPTION, ERROR, MORE, ITEM, END,
                                CREDIT):
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


if __name__ == "__main__":
    unittest.main()
