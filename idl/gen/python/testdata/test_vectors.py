"""The byte vectors of the basic and the line protocol, from both sides."""

import json
import random
import unittest

import echo
import every


def method_of(name):
    """Gives the table of "Echo.ints", and the class of its clients."""
    service, _, method = name.rpartition(".")
    if service == "Echo":
        return every._methods_Echo.by_attr[method], every.EchoClient
    return every._methods_Every.by_attr[method], every.Client


def value_of(type_, value):
    return every._lift(type_, every._from_json(type_, value))


class Basic(unittest.TestCase):
    def test_client(self):
        for vector in echo.vectors("basic/testdata/values.json"):
            with self.subTest(vector["name"]):
                method, _ = method_of(vector["method"])
                value = vector["value"]
                if value is not None:
                    value = value_of(method.result, value)
                self.check(vector, lambda client: self.assertEqual(
                    repr(getattr(client, method.attr)(value=value)),
                    repr(value)))

    def check(self, vector, call):
        _, client_class = method_of(vector["method"])
        response = bytes.fromhex(vector["response"])
        with echo.scripted(response) as (address, received):
            with every.Channel("basic://" + address) as channel:
                call(client_class(channel))
        arguments = bytes.fromhex(vector["arguments"])
        want = echo.request(vector["method"], arguments)
        self.assertEqual(received[0].hex(), want.hex())

    def test_client_calls(self):
        for vector in echo.vectors("basic/testdata/calls.json"):
            with self.subTest(vector["name"]):
                method, _ = method_of(vector["method"])
                args = {field.attr: value_of(field.type,
                                             vector["params"][field.name])
                        for field in method.params.fields
                        if field.name in vector["params"]}
                self.check(vector, lambda client: self.check_call(
                    vector, method, args, client))

    def check_call(self, vector, method, args, client):
        call = getattr(client, method.attr)
        if "error" not in vector:
            self.assertEqual(call(**args), vector["result"])
            return
        error = vector["error"]
        declared = next(exception for exception in method.exceptions
                        if exception.name == error["type"])
        with self.assertRaises(declared.cls) as caught:
            call(**args)
        self.assertEqual(str(caught.exception), error["message"])
        for field in declared.others:
            if field.name in error:
                self.assertEqual(getattr(caught.exception, field.attr),
                                 error[field.name])

    def test_server(self):
        rows = (echo.vectors("basic/testdata/values.json")
                + echo.vectors("basic/testdata/calls.json"))
        with echo.running() as (_, address):
            with echo.connected(address) as sock:
                for vector in rows:
                    with self.subTest(vector["name"]):
                        arguments = bytes.fromhex(vector["arguments"])
                        want = bytes.fromhex(vector["response"])
                        sock.sendall(echo.request(vector["method"], arguments))
                        got = echo.read(sock, len(want))
                        self.assertEqual(got.hex(), want.hex())

    def test_server_answers_what_is_bad(self):
        good = echo.request("Echo.ints", b"\1\0\0\0\7")
        with echo.running() as (_, address):
            with echo.connected(address) as sock:
                for vector in echo.vectors("basic/testdata/bad.json"):
                    with self.subTest(vector["name"]):
                        sock.sendall(bytes.fromhex(vector["request"]))
                        text = echo.read_error(sock)
                        self.assertEqual(text.partition(": ")[0],
                                         vector["code"], text)
                        sock.sendall(good)
                        self.assertEqual(echo.read(sock, 5), b"\1\0\0\0\7")

    def test_requests_in_one_write_and_byte_by_byte(self):
        rows = echo.vectors("basic/testdata/calls.json")
        requests = b"".join(
            echo.request(row["method"], bytes.fromhex(row["arguments"]))
            for row in rows)
        want = b"".join(bytes.fromhex(row["response"]) for row in rows)
        with echo.running() as (_, address):
            with echo.connected(address) as sock:
                sock.sendall(requests)
                self.assertEqual(echo.read(sock, len(want)), want)
                for i in range(len(requests)):
                    sock.sendall(requests[i:i + 1])
                self.assertEqual(echo.read(sock, len(want)), want)


class Line(unittest.TestCase):
    def test_server(self):
        with echo.running() as (_, address):
            with echo.connected(address) as sock:
                lines = sock.makefile("rwb")
                for vector in echo.vectors("line/testdata/calls.json"):
                    with self.subTest(vector["name"]):
                        lines.write(vector["request"].encode() + b"\r\n")
                        lines.flush()
                        answer = lines.readline()
                        self.assertEqual(answer[-2:], b"\r\n")
                        self.assertEqual(json.loads(answer),
                                         vector["response"])
                lines.close()

    def test_client(self):
        for vector in echo.vectors("basic/testdata/values.json"):
            with self.subTest(vector["name"]):
                method, _ = method_of(vector["method"])
                answer = {"result": vector["value"]}
                value = vector["value"]
                if value is not None:
                    value = value_of(method.result, value)
                with echo.scripted(json.dumps(answer).encode()
                                   + b"\n") as (address, received):
                    with every.Channel("line://" + address) as channel:
                        client = every.EchoClient(channel)
                        got = getattr(client, method.attr)(value=value)
                self.assertEqual(repr(got), repr(value))
                sent = json.loads(received[0])
                self.assertEqual(sent["name"], vector["method"])
                if "value" in sent["params"]:
                    self.assertEqual(sent["params"]["value"], vector["value"])
                else:
                    self.assertIn(vector["value"], (None, [], {}))

    def test_server_answers_what_is_bad(self):
        with echo.running() as (_, address):
            with echo.connected(address) as sock:
                lines = sock.makefile("rwb")
                for vector in echo.vectors("line/testdata/bad.json"):
                    with self.subTest(vector["name"]):
                        self.check_bad(lines, vector["request"],
                                       vector["code"])
                deep = "[" * 100000 + "]" * 100000
                self.check_bad(lines, '{"name":"ping","other":%s}' % deep,
                               "invalid_argument")
                lines.close()

    def check_bad(self, lines, request, code):
        good = b'{"name":"ints","params":{"value":7}}\n'
        lines.write(request.encode() + b"\n \t\r\n\n" + good)
        lines.flush()
        answer = json.loads(lines.readline())
        self.assertEqual(list(answer), ["error"])
        self.assertEqual(answer["error"]["type"], code, answer)
        self.assertEqual(json.loads(lines.readline()), {"result": 7})


class Mutations(unittest.TestCase):
    """What is nearly right is read, or refused in an orderly way."""

    def setUp(self):
        self.random = random.Random(1)
        self.server = every.Server(("127.0.0.1", 0),
                                   every.EchoService(echo.Echo()))
        self.addCleanup(self.server.shutdown)

    def mutate(self, data):
        data = bytearray(data)
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randrange(len(data) + 1)
            action = self.random.randrange(3)
            if action == 0:
                data[at:at + 1] = bytes((self.random.randrange(256),))
            elif action == 1:
                del data[at:at + self.random.randrange(5)]
            else:
                data[at:at] = self.random.choice(
                    (b"\xff\xff\xff\xff", b"\0", b'"', b"[", b"}", b"-1e9"))
        return bytes(data)

    def check(self, protocol, request):
        try:
            answer = protocol.answer(self.server, request,
                                     every.ServerCall())
            self.assertIsInstance(answer, bytes)
        except every._BadMessage:
            pass
        except every.RpcError as err:
            self.assertNotEqual(err.code, "internal")

    def test_basic(self):
        for vector in echo.vectors("basic/testdata/values.json"):
            arguments = bytes.fromhex(vector["arguments"])
            for _ in range(50):
                with self.subTest(data := self.mutate(arguments)):
                    self.check(every._Basic, (vector["method"].encode(), data))

    def test_line(self):
        for vector in echo.vectors("line/testdata/calls.json"):
            for _ in range(50):
                data = self.mutate(vector["request"].encode())
                with self.subTest(data):
                    self.check(every._Line, data)


if __name__ == "__main__":
    unittest.main()
