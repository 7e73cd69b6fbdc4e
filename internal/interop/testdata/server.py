"""A server of every.yodel: writes its address, serves while input lasts."""

import sys
import threading

import echo
import every

SERVERS = {"Server": every.Server, "ThreadServer": every.ThreadServer}

server = SERVERS[sys.argv[1]](
    ("127.0.0.1", 0), every.EchoService(echo.Echo()),
    every.Service(echo.Divide()))
print("%s:%d" % server.address, flush=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
sys.stdin.read()
server.shutdown()
thread.join()
