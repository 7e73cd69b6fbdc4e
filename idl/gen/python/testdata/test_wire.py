"""Protobuf's wire format: what is read, and what is refused."""

import contextlib
import random
import time
import unittest

import every
import test_calls  # noqa: F401  it silences the log


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
