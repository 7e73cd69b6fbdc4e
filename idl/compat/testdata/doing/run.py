"""Runs what TestCompatByDoing generates for Python, as main.go does for Go."""

import importlib
import json
import sys
import threading
import traceback


class Call:
    def __init__(self, variant, raised):
        self.variant, self.to_raise = variant, raised
        self.sent, self.got, self.answered, self.received = {}, {}, {}, {}
        self.raised = self.err = ""

    def as_json(self):
        return {"sent": self.sent, "got": self.got, "answered": self.answered,
                "received": self.received, "raised": self.raised,
                "err": self.err}


now = None


def add(values, path, value):
    if hasattr(value, "__next__"):  # which no arithmetic would take
        raise TypeError("a stream where a value was")
    values[path] = repr(value)


def enum(values, path, number, names):
    values[path] = names.get(number, "#%d" % number)


class User:
    """What somebody wrote (text) against a version of a module."""

    def __init__(self, text, module):
        self.space = {"g": importlib.import_module(module),
                      "h": sys.modules[__name__]}
        exec(compile(text, "user of " + module, "exec"), self.space)
        self.calls = self.space["CALLS"]
        self.raises = self.space["RAISES"]


records = []


def serve(user):
    g = user.space["g"]
    server = g.ThreadServer(("127.0.0.1", 0), *user.space["services"]())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(name, kind, caller, server, address, protocols, waits=False):
    for protocol in protocols:
        short = waits and protocol == "basic" and "calls" in kind
        target = "%s://127.0.0.1:%d" % (protocol, address[1])
        with caller.space["g"].Channel(
                target, timeout=1 if short else 30) as channel:
            for method in sorted(caller.calls):
                for variant in range(1 if short else 3):
                    one(name, kind, protocol, caller, channel, method,
                        variant, "")
                for raised in server.raises.get(method, ()):
                    one(name, kind, protocol, caller, channel, method, 0,
                        raised)


def one(name, kind, protocol, caller, channel, method, variant, raised):
    global now
    now = call = Call(variant, raised)
    try:
        caller.calls[method](channel, call)
    except Exception as err:
        call.err = type(err).__name__ + ": " + str(err)
    records.append({
        "case": name, "run": kind, "protocol": protocol, "method": method,
        "raise": raised, "variant": variant, "call": call.as_json()})


def pair(name, old_text, new_text, waits):
    everything = ("basic", "line", "mux")
    old, new = User(old_text, name + "_old"), User(new_text, name + "_new")
    with serve(old) as at_old, serve(new) as at_new:
        for kind, caller, server, at in (
                ("old", old, old, at_old), ("new", new, new, at_new),
                ("old calls new", old, new, at_new),
                ("new calls old", new, old, at_old)):
            run(name, kind, caller, server, at.address, everything, waits)
    try:
        mixed = User(old_text, name + "_new")
        with serve(mixed) as at, serve(new) as at_new:
            run(name, "source", mixed, mixed, at.address, ("mux",))
            run(name, "source calls new", mixed, new, at_new.address, ("mux",))
            run(name, "new calls source", new, mixed, at.address, ("mux",))
    except Exception:
        records.append({
            "case": name, "run": "source", "protocol": "mux", "method": "",
            "raise": "", "variant": 0,
            "call": {"err": traceback.format_exc(limit=0)}})


sys.modules["run"] = sys.modules[__name__]
for case in json.load(sys.stdin):
    pair(case["name"], case["old"], case["new"], case["waits"] == "yes")
json.dump(records, sys.stdout)
