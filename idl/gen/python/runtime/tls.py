# --- TLS ---------------------------------------------------------------------

_NO_TLS = b"This server speaks no TLS: connect without it.\r\n"


class _TlsError(OSError):
    """Why there is no TLS with the other side, and what to do."""


class _TlsSocket:
    """What the runtime uses of a socket, inside TLS.

    Threads may read and write at the same time, which the sockets of Python's
    ssl do not allow: here TLS works on memory, under a lock, and the network
    is used outside of it.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext,
                 name: Optional[str], head: bytes = b"") -> None:
        self.sock = sock
        self.lock = threading.Lock()  # guards the next three
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_side=name is None,
                                    server_hostname=name)
        self.sending = threading.Lock()  # keeps records in order
        self.timeout: Optional[float] = None
        if head:
            self.incoming.write(head)

    def handshake(self, deadline: Optional[float]) -> None:
        try:
            while True:
                try:
                    with self.lock:
                        self.tls.do_handshake()
                    self.flush()
                    return
                except ssl.SSLWantReadError:
                    self.flush()
                    if deadline is not None:
                        left = deadline - time.monotonic()
                        if left <= 0:
                            raise socket.timeout("timed out") from None
                        self.settimeout(left)
                    self.receive()
        except ssl.SSLError:
            self.try_flush()  # the alert
            raise

    def flush(self) -> None:
        """Sends what TLS has to say."""
        with self.sending:
            with self.lock:
                data = self.outgoing.read()
            if data:
                if self.timeout == 0:  # half a record would end it all
                    self.sock.settimeout(1)
                self.sock.sendall(data)
                if self.timeout == 0:
                    self.sock.settimeout(0)

    def try_flush(self) -> None:
        try:
            self.flush()
        except OSError:
            pass

    def receive(self) -> None:
        data = self.sock.recv(65536)
        with self.lock:
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def recv(self, size: int, flags: int = 0) -> bytes:
        began = time.monotonic()
        while True:
            try:
                with self.lock:
                    return self.tls.read(size)
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as err:
                raise _alert(err) or err from None
            self.try_flush()
            if self.timeout and time.monotonic() > began + self.timeout:
                raise socket.timeout("timed out")
            self.receive()

    def sendall(self, data: bytes) -> None:
        with self.sending:
            with self.lock:
                self.tls.write(data)
                data = self.outgoing.read()
            self.sock.sendall(data)

    def fileno(self) -> int:
        return self.sock.fileno()

    def setsockopt(self, level: int, name: int, value: int) -> None:
        self.sock.setsockopt(level, name, value)

    def settimeout(self, timeout: Optional[float]) -> None:
        self.timeout = timeout
        self.sock.settimeout(timeout)

    def shutdown(self, how: int) -> None:
        if how != socket.SHUT_RD:
            self.say_end()
        self.sock.shutdown(how)

    def say_end(self) -> None:
        """Says that no more comes, if there is room for that."""
        if not self.sending.acquire(blocking=False):
            return
        try:
            with self.lock:
                try:
                    self.tls.unwrap()
                except (ssl.SSLError, ValueError):
                    pass
                data = self.outgoing.read()
            if data:
                self.sock.send(data, getattr(socket, "MSG_DONTWAIT", 0))
        except OSError:
            pass
        finally:
            self.sending.release()

    def close(self) -> None:
        self.say_end()
        self.sock.close()


def _client_context(tls: Any, scheme: str) -> Optional[ssl.SSLContext]:
    """Gives what the argument tls of a channel means; None for no TLS."""
    if isinstance(tls, ssl.SSLContext):
        return tls
    if tls not in (None, False, True):
        raise TypeError(f"tls is {tls!r}; it takes True, or an ssl.SSLContext "
                        "such as ssl.create_default_context(cafile=...)")
    if not tls:
        return None
    context = ssl.create_default_context()
    context.set_alpn_protocols([f"yodel-{scheme}/1"])
    return context


def _secure(sock: socket.socket, address: Tuple[str, int],
            context: ssl.SSLContext, deadline: Optional[float]) -> _TlsSocket:
    """Makes the handshake of a client; it has ten seconds at the most."""
    latest = time.monotonic() + 10
    host, port = address
    try:
        secure = _TlsSocket(sock, context, host.partition("%")[0])
        secure.handshake(latest if deadline is None else min(latest, deadline))
        return secure
    except ssl.SSLCertVerificationError as err:
        raise _TlsError(_unverified(host, port, err)) from err
    except ssl.SSLError as err:
        named = _alert(err)
        if named:
            raise named from err
        if err.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE",
                          "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"):
            raise _TlsError(f"{host}:{port} does not speak TLS ({err}); "
                            "connect without it") from err
        if isinstance(err, ssl.SSLEOFError):
            raise _TlsError(f"{host}:{port} ended the connection during the "
                            "TLS handshake; it may speak no TLS") from err
        raise _TlsError(f"the TLS handshake with {host}:{port} failed: {err}"
                        ) from err


def _unverified(host: str, port: int, err: ssl.SSLCertVerificationError
                ) -> str:
    what = f"the certificate of {host}:{port}"
    if err.verify_code in (62, 64):  # host name, address
        return (f"{what} is not for the name {host}: {err.verify_message}; "
                "use a name that it is for")
    if err.verify_code in (2, 18, 19, 20, 21):
        return (f"{what} is of an authority that this side does not know: "
                f"{err.verify_message}; give the channel tls="
                "ssl.create_default_context(cafile=...)")
    if err.verify_code in (9, 10):
        return f"{what} is not valid now: {err.verify_message}"
    return f"{what} was not accepted: {err.verify_message}"


def _alert(err: ssl.SSLError) -> Optional[_TlsError]:
    """Names the alerts of a server; with TLS 1.3 they come by a read."""
    alert = (err.reason or "").partition("ALERT_")[2]
    if alert == "CERTIFICATE_REQUIRED":
        return _TlsError("the server demands a client's certificate, and got "
                         "none: load_cert_chain puts one into the channel's "
                         "ssl.SSLContext")
    if alert in ("BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE",
                 "CERTIFICATE_REVOKED", "CERTIFICATE_EXPIRED",
                 "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "ACCESS_DENIED"):
        return _TlsError("the server refused the client's certificate "
                         f"({alert.lower()}): its log says why")
    if alert == "NO_APPLICATION_PROTOCOL":
        return _TlsError("the server's TLS knows none of the channel's "
                         "protocols of ALPN")
    if alert == "HANDSHAKE_FAILURE":
        return _TlsError("the server refused the TLS handshake: it may demand "
                         "a client's certificate, or share no version or "
                         "cipher with this side")
    return None


def _open(connection: _Connection, context: Optional[ssl.SSLContext]) -> bool:
    """Begins TLS on a connection that has sent its first bytes.

    Where the server speaks TLS it speaks nothing else. False where the
    connection is not to be served; its peer has been told.
    """
    stream = connection.stream
    head = bytes(stream.buffer)
    if head[:1] == b"\x16":
        if context is None:
            _log.warning("a connection was refused: it speaks TLS, but the "
                         "server has no certificate: its tls is None")
            return _refuse(stream, _NO_TLS)
        secure = _TlsSocket(stream.sock, context, None, head)
        try:
            secure.handshake(stream.deadline)
        except OSError as err:
            _log.warning("a connection was refused: %s", _server_side(err))
            return _refuse(stream, b"")
        stream.buffer.clear()
        stream.arrived = 0
        stream.sock = secure
        return stream.fill()
    if context is None:
        return True
    _log.warning("a connection was refused: it comes without TLS, which the "
                 "server's tls demands")
    reason = RpcError("failed_precondition", "this port speaks TLS only: "
                      "connect with TLS")
    if head[:1] == _MAGIC[:1]:
        return _refuse(stream, _PREFACE + _frame(_SETTINGS) + _frame(
            _GOAWAY, body=_coded(reason.code, reason.message)))
    protocol = _FIRST_BYTES.get(head[:1])
    return _refuse(stream, bytes(protocol.error(reason)) if protocol else b"")


def _refuse(stream: _Stream, words: bytes) -> bool:
    stream.deadline = time.monotonic() + 1
    if words:
        stream.write(words)
    stream.linger()
    return False


def _server_side(err: OSError) -> str:
    """Names why a handshake has failed at the server."""
    reason = getattr(err, "reason", None) or ""
    alert = reason.partition("ALERT_")[2]
    if alert in ("BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "UNKNOWN_CA",
                 "CERTIFICATE_UNKNOWN"):
        return ("the client refused the server's certificate "
                f"({alert.lower()})")
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "the client has no certificate, which the server demands"
    if isinstance(err, ssl.SSLCertVerificationError):
        return ("the client's certificate was not accepted: "
                f"{err.verify_message}")
    if isinstance(err, socket.timeout):
        return "it has not finished the TLS handshake in time"
    return f"the TLS handshake failed: {err}"
