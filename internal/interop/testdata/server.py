"""A server of every.yodel: writes its address, serves while input lasts."""

import ssl
import sys
import threading

import echo
import every

SERVERS = {"Server": every.Server, "ThreadServer": every.ThreadServer}
stopping = threading.Event()


class Lingering(echo.Echo):
    def buy(self, item, count):
        if item == "linger":  # until the server shuts down
            print("lingering", flush=True)
            stopping.wait(20)
        return super().buy(item, count)


context = None
if sys.argv[2:]:  # files of a certificate, its key, and clients' authorities
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[2:4])
    if sys.argv[4:]:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(sys.argv[4])

server = SERVERS[sys.argv[1]](
    ("127.0.0.1", 0), every.EchoService(Lingering()),
    every.Service(echo.Divide()), tls=context)
print("%s:%d" % server.address, flush=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
sys.stdin.read()
shutdown = threading.Thread(target=server.shutdown)
shutdown.start()
with server._state:
    server._state.wait_for(lambda: server._stopping, 20)
stopping.set()
shutdown.join()
thread.join()
