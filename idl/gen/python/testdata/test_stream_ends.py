"""The ways in which streams end, each of which frees everything."""

import gc
import itertools
import threading
import time
import unittest

import echo
import feeding
import feeds
import test_calls  # noqa: F401  it silences the log
from feeding import SERVERS, both, serving


class Ends(feeding.Case):
    @both
    def test_exception(self, handlers, client, channel):
        got, stream = [], client.count(-3)
        with self.assertRaises(feeds.Enough) as caught:
            for i in stream:
                got.append(i)
        self.assertEqual((got, caught.exception.message,
                          caught.exception.count), ([0, 1, 2], "no more", 3))
        with self.assertRaises(feeds.Enough):  # which still says so
            next(stream)
        with self.assertRaises(feeds.Enough):
            client.sum(itertools.chain([1, -2], itertools.repeat(1)))
        with client.chat("") as chat:
            chat.send("enough")
            with self.assertRaises(feeds.Enough):
                next(chat)
            with self.assertRaises(feeds.Enough):
                chat.send("more")

    @both
    def test_errors(self, handlers, client, channel):
        with client.chat("") as chat:
            chat.send("denied")
            self.fails("permission_denied", next, chat)
            err = self.fails("permission_denied", next, chat)  # once more
            self.assertEqual((err.message, err.outcome,
                              err.detail(feeds.Ends)),
                             ("not you", "answered", feeds.Ends(7, ["x"])))
        with client.chat("") as chat:
            chat.send("bug")
            err = self.fails("internal", next, chat)
            self.assertNotIn("secret", err.message)

    @both
    def test_leaving(self, handlers, client, channel):
        for part in client.feed(1 << 30):
            break
        self.assertEqual(handlers.told.get(timeout=20), "left")

    @both
    def test_error_in_the_loop(self, handlers, client, channel):
        with self.assertRaises(KeyError):
            with client.feed(1 << 30) as parts:
                for part in parts:
                    raise KeyError
        self.assertEqual(handlers.told.get(timeout=20), "left")

    @both
    def test_garbage(self, handlers, client, channel):
        cycle = [client.feed(1 << 30)]
        cycle.append(cycle)
        next(cycle[0])
        del cycle
        gc.collect()
        self.assertEqual(handlers.told.get(timeout=20), "left")

    @both
    def test_close(self, handlers, client, channel):
        chat = client.chat("")
        chat.send("a")
        self.assertEqual(next(chat), "a")
        chat.close()
        chat.close()
        self.assertEqual(handlers.told.get(timeout=20), "canceled")
        self.fails("canceled", next, chat)
        self.fails("canceled", chat.send, "b")
        chat.close_send()

    @both
    def test_close_wakes_other_threads(self, handlers, client, channel):
        chat, errors = client.chat(""), []
        chat.send("a")
        next(chat)
        thread = threading.Thread(target=lambda: errors.append(
            self.fails("canceled", next, chat)))
        thread.start()
        chat.close()
        thread.join()
        self.assertEqual(len(errors), 1)

    @both
    def test_deadline(self, handlers, client, channel):
        hasty = feeds.FeedsClient(channel.with_timeout(0.1))
        self.fails("deadline_exceeded", next, hasty.hang())
        chat = hasty.chat("")
        self.fails("deadline_exceeded", next, chat)
        self.fails("deadline_exceeded", next, chat)
        forever = hasty.feed(1 << 30)
        err = self.fails("deadline_exceeded",
                         lambda: [part for part in forever])
        self.assertIn(err.outcome, ("unknown", "answered"))
        self.fails("deadline_exceeded", hasty.sum, itertools.repeat(0))

    @both
    def test_deadline_of_a_stream_that_nobody_reads(self, handlers, client,
                                                    channel):
        hasty = feeds.FeedsClient(channel.with_timeout(0.1))
        stream = hasty.feed(1 << 30)
        mux = channel._link.client
        with mux.state:
            self.assertTrue(mux.state.wait_for(lambda: not mux.calls, 20))
        self.assertEqual(client.ends().running, 0)
        stream.close()

    @both
    def test_iterable_that_fails(self, handlers, client, channel):
        def numbers():
            yield 1
            raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            client.sum(numbers())
        for bad in (["one"], [2**31], None):
            with self.assertRaises((TypeError, ValueError)):
                client.sum(bad)

    @both
    def test_value_of_a_wrong_type(self, handlers, client, channel):
        chat = client.chat("")
        with self.assertRaises(TypeError):
            chat.send(1)
        chat.send("a")
        self.assertEqual(next(chat), "a")
        chat.close()

    def test_handlers_with_wrong_results(self):
        class Wrong(feeding.Feeds):
            def count(self, to, from_):
                yield 1
                yield "two"

            def feed(self, n, size):
                return None

            def sum(self, nums):
                return "three"

        with echo.running(feeds.ThreadServer, feeds.FeedsService(Wrong())) as (
                _, address), feeds.Channel(address, timeout=30) as channel:
            client = feeds.FeedsClient(channel)
            stream = client.count(2)
            self.assertEqual(next(stream), 1)
            self.fails("internal", next, stream)
            self.fails("internal", next, client.feed(1))
            self.fails("internal", client.sum, [1])
            self.check_free(channel)

    @both
    def test_over_the_limit(self, handlers, client, channel):
        large = bytes((4 << 20) + 1)
        self.fails("resource_exhausted", client.gather, "", [large])
        with client.echo() as parts:
            self.fails("resource_exhausted", parts.send, large)
            parts.send(b"small")  # nothing was sent of the other
            self.assertEqual(next(parts), b"small")
        self.fails("resource_exhausted", next,
                   client.feed(2, size=(4 << 20) + 1))

    def test_over_the_receivers_limit(self):
        with serving(limit=100_000) as (handlers, client, channel):
            self.fails("resource_exhausted", client.gather, "",
                       [bytes(100_001)])
            self.check_free(channel)

    def test_channel_closes(self):
        with serving() as (handlers, client, channel):
            stream, chat = client.feed(1 << 30), client.chat("")
            next(stream)
            chat.send("a")
            self.assertEqual(next(chat), "a")
            channel.close()
            self.fails("canceled", list, stream)
            self.fails("canceled", chat.send, "a")
            self.assertEqual({handlers.told.get(timeout=20),
                              handlers.told.get(timeout=20)},
                             {"left", "canceled"})
            channel._link.closed = False  # so that it can be closed again

    def test_server_shuts_down(self):
        for server_class in SERVERS:
            handlers = feeding.Feeds()
            with echo.running(server_class, feeds.FeedsService(handlers)) as (
                    server, address), \
                    feeds.Channel(address, timeout=30) as channel:
                chat = feeds.FeedsClient(channel).chat("")
                chat.send("a")
                self.assertEqual(next(chat), "a")
                down = threading.Thread(target=server.shutdown)
                down.start()
                mux = channel._link.client
                with mux.state:
                    mux.state.wait_for(lambda: mux.leaving, 20)
                chat.send("b")  # it goes on
                self.assertEqual(next(chat), "b")
                chat.close_send()
                self.assertEqual(list(chat), [])
                down.join()
                self.assertEqual(handlers.ended, ["done"])

    def test_server_is_cut(self):
        handlers = feeding.Feeds()
        with echo.running(feeds.ThreadServer, feeds.FeedsService(
                handlers)) as (server, address), \
                feeds.Channel(address, timeout=30) as channel:
            client = feeds.FeedsClient(channel)
            chat = client.chat("")
            chat.send("a")
            self.assertEqual(next(chat), "a")
            with server._state:
                for connection in server._connections:
                    connection.cut()
            err = self.fails("unavailable", next, chat)
            self.assertEqual(err.outcome, "unknown")
            self.assertEqual(handlers.told.get(timeout=20), "canceled")

    def test_threads_end(self):
        before = threading.active_count()
        with serving() as (handlers, client, channel):
            for _ in range(20):
                for _ in client.feed(1 << 30):
                    break
            hanging = [client.hang() for _ in range(10)]
            while client.ends().running < 10:
                time.sleep(0.001)
            del hanging
        end = time.monotonic() + 20
        while threading.active_count() > before and time.monotonic() < end:
            time.sleep(0.001)
        self.assertEqual(threading.active_count(), before)


if __name__ == "__main__":
    unittest.main()
