"""What is sensitive shows nowhere; what a server does not know is refused."""

import io
import json
import logging
import pickle
import pprint
import traceback
import unittest
from datetime import datetime, timedelta, timezone

import vault

SEEN = datetime(1999, 9, 9, tzinfo=timezone.utc)
NEEDLES = ("hunter2", "31337", "s3cr3t", "1999", "7777", "2.5e-07", "HIGH",
           "73501", "True", "czNjcjN0")


def new_fields():
    plain = vault.Plain("hunter2", 31337)
    return vault.Fields(
        True, 31337, 31337, 31337, 31337, 2.5e-7, 2.5e-7, "hunter2", b"s3cr3t",
        SEEN, timedelta(seconds=7777), vault.Level.HIGH, ["hunter2"], [31337],
        [plain], {"hunter2": "hunter2"}, {31337: b"s3cr3t"}, plain,
        vault.OpenText("hunter2"), "hunter2", 31337, SEEN, plain,
        [vault.OpenNumber(31337)], {"hunter2": plain}, "shown",
        vault.Fields(text="hunter2"))


def members():
    return [vault.SecretText("hunter2"), vault.SecretNumber(31337),
            vault.SecretData(b"s3cr3t"),
            vault.SecretPlain(vault.Plain("hunter2", 31337)),
            vault.SecretFields(new_fields()), vault.SecretFormat("hunter2")]


def values():
    fields = new_fields()
    holder = vault.Holder(fields, [fields], {"a": fields}, fields,
                          members()[0], members(), {1: members()[3]})
    denied = vault.Denied("shown", "hunter2", fields)
    hushed = vault.Hushed("hunter2", 31337)
    return [fields, holder, denied, hushed, *members()]


class Vault:
    """Takes what it gets, or fails with it."""

    def store(self, shown, **others):
        if shown == "denied":
            raise vault.Denied("no", others["text"])

    def load(self, key):
        return vault.Holder()


class Sensitive(unittest.TestCase):
    def find(self, how, text):
        for needle in NEEDLES:
            self.assertNotIn(needle, text, how)

    def test_every_way_to_show(self):
        out = io.StringIO()
        log = logging.Logger("test")
        log.addHandler(logging.StreamHandler(out))
        for value in values():
            for wrapped in (value, [value], (value,), {"k": value},
                            {"k": [value]}):
                for text in (repr(wrapped), str(wrapped), f"{wrapped}",
                             f"{wrapped!r:>10} {wrapped!s} {wrapped!a}",
                             "%r %s %a" % ((wrapped,) * 3),
                             "{} {!r}".format(wrapped, wrapped),
                             ascii(wrapped), pprint.pformat(wrapped)):
                    self.find("text", text)
                log.error("%s %r", wrapped, [wrapped])
        self.find("logging", out.getvalue())

    def test_what_is_not_sensitive_shows(self):
        self.assertEqual(repr(vault.Hushed("hunter2")),
                         "Hushed(message=***, number=***)")
        self.assertIn("shown='shown'", repr(new_fields()))
        self.assertIn("flag=***", repr(vault.Fields()))
        self.assertEqual(str(vault.Denied("why", "hunter2")), "why")
        self.assertEqual(repr(vault.SecretText("hunter2")),
                         "SecretText(value=***)")

    def test_exceptions(self):
        for value in values():
            if not isinstance(value, Exception):
                continue
            self.assertEqual(value.args, ())
            try:
                try:
                    raise value
                except Exception as err:
                    raise RuntimeError(f"{err} {err!r}") from err
            except RuntimeError:
                self.find("traceback", traceback.format_exc())
            again = pickle.loads(pickle.dumps(value))
            self.assertEqual(vars(again), vars(value))

    def test_values_that_do_not_fit(self):
        table = vault._type_Fields
        for attr, bad in (
                ("small", 31337 << 31), ("small", "hunter2"),
                ("text", "hunter2\ud800"), ("text", b"hunter2"),
                ("texts", ["hunter2\ud800"]), ("level", 73501 << 31),
                ("by_name", {"hunter2": 1}), ("by_name", {"hunter2\ud800": ""}),
                ("by_number", {31337: "hunter2"}), ("single", 1e300),
                ("seen", datetime(1999, 1, 1)),
                ("plain", vault.Plain("hunter2\ud800")),
                ("open", vault.OpenNumber(31337 << 40)),
                ("maybe_text", 31337), ("numbers", [31337 << 40])):
            fields = vault.Fields(**{attr: bad})
            with self.assertRaises((TypeError, ValueError)) as raised:
                vault._lower(table, fields, "value")
            text = str(raised.exception)
            self.assertTrue(text.startswith(f"value.{attr}: ***"), text)
            try:
                vault._lower(table, fields, "value")
            except (TypeError, ValueError):
                self.find("traceback", traceback.format_exc())
        with self.assertRaises(ValueError) as raised:
            vault._lower(vault._type_Secret, vault.SecretText("hunter2\ud800"),
                         "value")
        self.assertEqual(str(raised.exception),
                         "value.text: *** is no string that fits")

    def answer(self, request):
        """Gives the answer of a server, or the error that it makes one of."""
        try:
            return vault._Line.answer(self.server, request,
                                      vault.ServerCall()).decode()
        except (vault._BadMessage, vault.RpcError) as err:
            return str(err)

    def setUp(self):
        self.server = vault.Server(("127.0.0.1", 0),
                                   vault.VaultService(Vault()))
        self.addCleanup(self.server.shutdown)

    def test_bad_requests(self):
        bad = ('"hunter2"', "31337", "31337.31337", '["hunter2", {}]',
               '{"hunter2": 31337}', '{"hunter2": "a", "hunter2": "b"}',
               '[{"hunter2": 1}]', '{"text": 31337}', '{"number": "hunter2"}',
               '"1999-02-30T00:00:00Z"', '"7777"', '"hunter2\\ud800"',
               "1e31337", '{"31337": "hunter2*"}')
        fields = [f.json_name for f in vault._type_Fields.fields if f.sensitive]
        members = [f.name for f in vault._type_Secret.fields if f.sensitive]
        self.assertEqual(len(fields), 26)
        for value in bad:
            for params in [
                    *(f'"holder": {{"list": [{{"{name}": {value}}}]}}'
                      for name in fields),
                    *(f'"secret": {{"{name}": {value}}}' for name in members),
                    *(f'"{name}": {value}' for name in (
                        "flag", "small", "text", "data", "seen", "took",
                        "level", "texts", "byName", "plain", "open"))]:
                request = '{"name": "store", "params": {' + params + "}}"
                self.find(request, self.answer(request.encode()))


    def test_texts_of_what_is_unknown(self):
        for request, want in (
                ({"name": "store", "params": {"show": "a"}},
                 'params.show: unknown argument; did you mean "shown"?'),
                ({"name": "store", "params": {"holder": {"list": [
                    {}, {"shwn": 1}]}}},
                 'params.holder.list[1].shwn: unknown field of Fields; '
                 'did you mean "shown"?'),
                ({"name": "store", "params": {"holder": {"by_name": {
                    "a": {"shwn": 1}}}}},
                 'params.holder.by_name["a"].shwn: unknown field of Fields; '
                 'did you mean "shown"?'),
                ({"name": "store", "params": {"secret": {"nmber": 1}}},
                 'params.secret.nmber: unknown member of Secret; '
                 'did you mean "number"?'),
                ({"name": "store", "params": {"plain": {"hunter2": 1}}},
                 "params.plain.***: unknown field of Plain"),
                ({"name": "store", "params": {"holder": {"list": [
                    {"plains": [{}, {"hunter2": 1}]}]}}},
                 "params.holder.list[0].plains[1].***: unknown field of Plain"),
                ({"name": "store", "params": {"holder": {"list": [
                    {"plain_by_name": {"hunter2": {"hunter2": 1}}}]}}},
                 'params.holder.list[0].plain_by_name["***"].***: '
                 'unknown field of Plain'),
                ({"name": "store", "params": {"plain": {"number": "hunter2"}}},
                 "params.plain.number: *** is no int that fits"),
                ({"name": "store", "params": {"texts": ["", 31337]}},
                 "params.texts[1]: *** is no string that fits"),
                ({"name": "store", "params": {"by_name": {"hunter2": 31337}}},
                 'params.by_name["***"]: *** is no string that fits'),
                ({"name": "store", "params": {"plain": 31337}},
                 "params.plain: *** is no struct that fits"),
                ({"name": "load", "params": {"a b": 1}},
                 'params["a b"]: unknown argument; there is "key"'),
                ({"name": "load", "parms": {}},
                 '"parms" has no meaning; a request is {"name": "method", '
                 '"params": {"parameter": value}}'),
                ({"name": "load", "id": 1}, '"id" has no meaning; a request')):
            got = self.answer(json.dumps(request).encode())
            self.assertTrue(got.startswith(want), got)
        got = self.answer(b'{"name": "load", "params": {"key": "", "key": 1}}')
        self.assertEqual(got, 'params: "key" is there twice')

    def test_clients_skip(self):
        plain = vault._from_json(vault._type_Plain, {"text": "a", "new": 1})
        self.assertEqual(plain, {1: "a"})


if __name__ == "__main__":
    unittest.main()
