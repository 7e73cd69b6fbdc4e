"""Constraints: the vectors that Go's tests read too, and calls."""

import json
import pathlib
import threading
import unittest

import checked

VECTORS = (pathlib.Path(__file__).parents[4]
           / "internal/constraints/testdata/vectors.json")


def violations(type_, plain):
    checker = checked._Checker()
    checker.fields(type_.fields, plain, "", False)
    return checker.found


class Vectors(unittest.TestCase):
    def test_vectors(self):
        for vector in json.loads(VECTORS.read_text("utf-8")):
            with self.subTest(vector["type"] + " " + vector["name"]):
                type_ = getattr(checked, "_type_" + vector["type"])
                plain = checked._from_json(type_, vector["json"])
                data = checked._wire_fields(type_.fields, plain)
                again = checked._WireReader(data).fields(type_.fields)
                for one in plain, again:
                    found = violations(type_, one)
                    self.assertEqual(
                        sorted(f"{v.field} {v.reason}" for v in found),
                        sorted(vector["violations"]))
                    for v in found if vector["type"] == "Secrets" else ():
                        for needle in "hunter2", "73501":
                            self.assertNotIn(needle, v.field + v.description)

    def test_texts(self):
        numbers = checked.Numbers(small=-6, single=0.5)
        texts = checked.Texts(pair="a", some="", data=b"four", word="x!")
        secrets = checked.Secrets("hunter2", "hunter2", 0,
                                  counts={"hunter2": 73501})
        for value, wanted in (
            (numbers, ["small is -6, below the minimum -5",
                       "single is 0.5, above the maximum 0.1"]),
            (texts, ["pair has 1 character, and takes exactly 2 characters",
                     "some has 0 characters, and takes at least 1 character",
                     "data has 4 bytes, and takes at most 3 bytes",
                     'word is "x!", which does not match the pattern '
                     "^[a-z]+$"]),
            (secrets, ["password takes 8 to 64 characters",
                       "pin does not match the pattern ^[0-9]{4}$",
                       "number is below the minimum 1",
                       "counts[***] is above the maximum 1"]),
        ):
            type_ = value._yodel_type
            plain = checked._lower(type_, value, "")
            self.assertEqual([f"{v.field} {v.description}"
                              for v in violations(type_, plain)], wanted)

    def test_many(self):
        tree = checked.Tree(-1)
        for _ in range(60):
            tree = checked.Tree(-1, named={"\u00e4" * 4000: tree})
        checker = checked._Checker()
        checker.fields(checked._type_Tree.fields,
                       checked._lower(checked._type_Tree, tree, ""), "", False)
        self.assertLess(checker.size, 10**7)
        self.assertEqual(len(checker.found) + checker.more, 61)
        err = checked.RpcError("invalid_argument", "", details=[
            checked.BadRequest(checker.found)])
        for as_json in True, False:
            self.assertEqual(len(checked._encode_details(
                err.details, as_json, 8192)), 1)

    def test_linear_time(self):
        # Python's own expressions would take 2**50 steps for this.
        text = "a" * 50 + "!"
        self.assertFalse(checked._type_Texts.fields[4].constraints.pattern
                         .matches(text * 100))


class Handlers:
    def __init__(self):
        self.calls = 0

    def check(self, all):
        self.calls += 1

    def plain(self, x, free):
        self.calls += 1
        return free

    def args(self, low, name, high, maybe, nums):
        self.calls += 1
        return high - low

    def sum(self, name, nums):
        return sum(nums)

    def count(self, to):
        return range(to)

    def echo(self, trees):
        for i, _ in enumerate(trees):
            yield i


class Calls(unittest.TestCase):
    def setUp(self):
        self.handlers = Handlers()
        server = checked.ThreadServer(("127.0.0.1", 0),
                                      checked.CheckedService(self.handlers))
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.address = "%s:%d" % server.address[:2]

    def refused(self, client, outcome, details=True):
        with self.assertRaises(checked.RpcError) as caught:
            client.args(0, "four", [1, 2, 3], high=10, maybe=-1)
        err = caught.exception
        self.assertEqual((err.code, err.outcome),
                         ("invalid_argument", outcome))
        self.assertIn("low is 0, below the minimum 1", err.message)
        self.assertIn("and 2 more", err.message)
        self.assertEqual(self.handlers.calls, 0)
        if details:
            bad = err.detail(checked.BadRequest)
            self.assertEqual(
                [f"{v.field} {v.reason}" for v in bad.field_violations],
                ["low MIN", "name LEN", "high MAX", "maybe MIN", "nums ITEMS"])

    def test_server(self):
        for scheme in "basic", "line", "mux":
            self.handlers.calls = 0
            with self.subTest(scheme), checked.Channel(
                    f"{scheme}://{self.address}") as channel:
                client = checked.CheckedClient(channel)
                self.refused(client, "answered", scheme != "basic")
                self.assertEqual(client.args(1, "abc", [1]), 8)
                every = checked.All(lists=checked.Lists(names=["a"]))
                client.check(every)
                every.tree.choice = checked.ChoiceDigit(10)
                with self.assertRaises(checked.RpcError) as caught:
                    client.check(every)
                self.assertIn("all.tree.choice.digit is 10",
                              caught.exception.message)

    def test_streams(self):
        with checked.Channel(self.address, timeout=20) as channel:
            self.check_streams(checked.CheckedClient(channel))

    def test_streams_of_a_client(self):
        with checked.Channel(self.address, timeout=20,
                             validate=True) as channel:
            self.check_streams(checked.CheckedClient(channel))

    def check_streams(self, client):
        self.assertEqual(client.sum("abc", [1, 9, 0]), 10)
        self.assertEqual(list(client.count(3)), [0, 1, 2])
        tree = checked.Tree(choice=checked.ChoiceDigit(10))
        for call, text in (
                (lambda: client.sum("", [1]), "name has 0 characters"),
                (lambda: client.sum("abc", [1, 10]), "nums is 10, above the"),
                (lambda: list(client.count(4)), "to is 4, above the maximum"),
                (lambda: self.converse(client, tree), "choice.digit is 10")):
            with self.assertRaises(checked.RpcError) as caught:
                call()
            err = caught.exception
            self.assertEqual(err.code, "invalid_argument", err)
            self.assertIn(text, err.message)
            self.assertTrue(err.detail(checked.BadRequest))

    def converse(self, client, tree):
        with client.echo() as trees:
            trees.send(checked.Tree())
            self.assertEqual(next(trees), 0)
            trees.send(tree)
            next(trees)

    def test_client(self):
        with checked.Channel("127.0.0.1:1", validate=True) as channel:
            self.refused(checked.CheckedClient(channel), "not started")


if __name__ == "__main__":
    unittest.main()
