"""Calls a server until it shuts down; writes how each thread's calls end."""

import sys
import threading

import every

answered, ends = [], []


def work():
    with every.Channel(sys.argv[1], timeout=20) as channel:
        client = every.EchoClient(channel)
        while True:
            try:
                answered.append(client.ints(len(answered)))
            except every.RpcError as err:
                ends.append(f"{err.code}, {err.outcome}")
                return
            if len(answered) == 200:
                print("calling", flush=True)


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("; ".join(sorted(set(ends))))
