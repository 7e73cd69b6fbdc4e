"""Lingers in a call of a server that shuts down; writes what it sees."""

import sys
import threading

import every

with every.Channel("mux://" + sys.argv[1], timeout=20) as channel:
    client = every.EchoClient(channel)
    client.ping()
    call = threading.Thread(target=client.buy, args=("linger",))
    call.start()
    connection = channel._link.client
    with connection.state:
        connection.state.wait_for(lambda: connection.leaving, 20)
    print("leaving", flush=True)
    call.join()
    try:
        client.ping()
    except every.RpcError as err:
        print(err.outcome)
