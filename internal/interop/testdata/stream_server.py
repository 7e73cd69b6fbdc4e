"""A server of feeds.yodel: writes its address, serves while input lasts."""

import sys
import threading

import feeding
import feeds

SERVERS = {"Server": feeds.Server, "ThreadServer": feeds.ThreadServer}

server = SERVERS[sys.argv[1]](("127.0.0.1", 0),
                              feeds.FeedsService(feeding.Feeds()))
print("%s:%d" % server.address, flush=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
sys.stdin.read()
server.shutdown()
thread.join()
