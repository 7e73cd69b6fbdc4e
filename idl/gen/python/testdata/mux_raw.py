"""Frames of the mux protocol as bytes, for peers that tests play themselves."""

import contextlib
import socket
import struct
import threading

import echo
import every

VECTORS = echo.vectors("mux/testdata/vectors.json")
HELLO = bytes.fromhex("d759444c01000000")
SERVERS = (every.Server, every.ThreadServer)
(SETTINGS, CALL, RESULT, EXCEPTION, ERROR, CANCEL, MORE, PING, PONG, GOAWAY,
 ITEM, END, CREDIT) = range(1, 14)
STREAMING = {7: 65536, 8: 16 << 20}  # settings of a side that speaks streams


def frame(kind, flags=0, method=0, id_=0, body=b""):
    return struct.pack("<IBBHI", len(body), kind, flags, method, id_) + body


def settings(**pairs):
    keys = ("message", "calls", "metadata", "name", "methods")
    return frame(SETTINGS, body=b"".join(
        struct.pack("<HI", keys.index(key) + 1, pairs[key]) for key in pairs))


def settings_of(pairs):
    return frame(SETTINGS, body=b"".join(
        struct.pack("<HI", int(key), value) for key, value in pairs.items()))


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


def greeted(address, pairs=None):
    """Gives a connection behind the exchange of settings."""
    sock = echo.connected(address)
    sock.sendall(HELLO + settings_of(pairs or {}))
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
