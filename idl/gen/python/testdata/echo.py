"""Handlers for every.yodel, and a server of them on a free port."""

import contextlib
import json
import pathlib
import queue
import socket
import threading

import every

VECTORS = pathlib.Path(__file__).parents[4] / "protocol"


def vectors(path):
    return json.loads((VECTORS / path).read_text(encoding="utf-8"))


class Echo:
    """Answers with what it gets, but for a few methods."""

    def __init__(self):
        self.begun = self.told = 0  # waits, and those whose end was told
        self.waits = queue.Queue()  # how each ended

    def __getattr__(self, name):
        if name not in every._methods_Echo.by_attr:
            raise AttributeError(name)
        return lambda value: value

    def defaulted(self, a, b, c, d, e, f):
        e = "-" if e is None else f"{e:g}"
        numbers = ",".join(map(str, f))
        return f"{a} {b} {c:d} {d.total_seconds():g} {e} {numbers}"

    def ping(self):
        pass

    def ticks(self, count):
        return range(count)

    def sum(self, values):
        return sum(values)

    def buy(self, item, count):
        if item == "nothing":
            raise every.OutOfStock()
        if item == "tea":
            raise every.OutOfStock("no tea", 3, ["coffee"])
        if item == "silence":
            raise every.Silent(number=5)
        if item == "bug":
            raise ZeroDivisionError("a secret")
        if item == "denied":
            raise every.RpcError("permission_denied", "not you")
        if item == "detailed":
            raise every.RpcError("aborted", "again", details=[
                every.Circle(), every.OutOfStock("no tea", 3, ["coffee"]),
                every.Circle(radius=2.5)])
        if item == "detailed too much":
            raise every.RpcError("aborted", "again", details=[
                every.OutOfStock("x" * 4000)] * 3)
        if item == "badly detailed":
            raise every.RpcError("aborted", "again", details=[42])
        if item == "wait":
            self.wait(every.current_call())
        if item == "waited":
            raise every.RpcError("not_found", self.waited())
        if item == "trace":
            trace = every.current_call().metadata.get("trace", [])
            raise every.RpcError("not_found", ",".join(trace))

    def waited(self):
        if self.begun == self.told:
            return "nothing"
        end = self.waits.get(timeout=20)
        self.told += 1
        return end

    def wait(self, call):
        self.begun += 1
        late = not call.cancelled.wait(call.time_left())
        end = "deadline_exceeded" if late else "canceled"
        self.waits.put(end)
        raise every.RpcError(end, "waited")


class Divide(every.Handler):
    def divide(self, num1, num2):
        if num2 == 0:
            raise every.InvalidOperation()
        return num1 / num2


@contextlib.contextmanager
def running(server_class=every.ThreadServer, *services, **options):
    """Runs a server; gives it and "host:port"."""
    services = services or (every.EchoService(Echo()),
                            every.Service(Divide()))
    server = server_class(("127.0.0.1", 0), *services, **options)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server, "%s:%d" % server.address
    finally:
        server.shutdown()
        thread.join()


def connected(address):
    host, port = address.split(":")
    sock = socket.create_connection((host, int(port)), 10)
    return sock


def read(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise EOFError(f"{len(data)} bytes of {size}: {data!r}")
        data += more
    return data


def block(data):
    return len(data).to_bytes(4, "big") + data


def request(name, arguments=b""):
    return block(name.encode()) + block(arguments)


def read_error(sock):
    """Reads an answer with status 255; gives its text."""
    status = read(sock, 1)
    if status != b"\xff":
        raise AssertionError(f"status {status!r}, not 255")
    return read(sock, int.from_bytes(read(sock, 4), "big")).decode()


@contextlib.contextmanager
def scripted(*answers):
    """Runs a server that gives each request the next answer.

    Gives its address and the list of what it received; an answer of None
    closes the connection instead. A request is what comes before silence, so
    clients send theirs with one write.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    received = []

    def serve():
        left = list(answers)
        while left:
            sock, _ = listener.accept()
            with sock:
                while left:
                    data = sock.recv(65536)
                    if not data:
                        break
                    received.append(data)
                    answer = left.pop(0)
                    if answer is None:
                        break
                    sock.sendall(answer)
                else:
                    sock.recv(1)  # till the client leaves

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield "%s:%d" % listener.getsockname(), received
    finally:
        listener.close()
