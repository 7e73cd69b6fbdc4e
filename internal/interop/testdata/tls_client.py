"""Calls servers of every.yodel inside TLS, and says how each of them went.

An argument is a target, a file of authorities, or "-" for no TLS but what the
target asks for, and files of a certificate with its key, with commas between.
"""

import ssl
import sys
import threading

import every


def context_of(ca, *certificate):
    if ca == "-":
        return None
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(*certificate)
    return context


def main(channel):
    client, echo = every.Client(channel), every.EchoClient(channel)
    if client.divide(200, num2=100) != 2:
        return "a wrong quotient"
    long = "x" * 1_000_000
    wrong = []

    def several():
        for i in range(20):
            if echo.ints(value=i) != i:
                wrong.append(i)
        if echo.strings(value=long) != long:
            wrong.append("a long string")
    threads = [threading.Thread(target=several) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"wrong: {wrong}" if wrong else "fine"


def say(target, *files):
    tls = context_of(*files)
    with every.Channel(target, timeout=20, tls=tls) as channel:
        try:
            return main(channel)
        except every.RpcError as err:
            return f"{err.outcome} {err.code} {err.message}"


for argument in sys.argv[1:]:
    print(say(*argument.split(",")))
