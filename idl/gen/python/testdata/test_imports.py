"""Modules that import others: on the path, and in a package."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import common
import echo

HERE = pathlib.Path(common.__file__).parent
sys.path.insert(0, str(HERE / "shop"))
import orders  # noqa: E402


class Handlers:
    def place(self, order, currency):
        if order.total.cents > 100:
            raise common.Refused("too much", common.Money(100, currency))
        return order


class Imports(unittest.TestCase):
    def test_calls(self):
        with echo.running(orders.Server, orders.OrdersService(Handlers())) as (
                _, address), orders.Channel(address) as channel:
            client = orders.OrdersClient(channel)
            order = orders.Order(common.Money(5), common.PaymentCard("1234"))
            self.assertEqual(client.place(order), order)
            order.total.cents = 101
            with self.assertRaises(common.Refused) as caught:
                client.place(order, currency=common.Currency.USD)
            self.assertEqual(caught.exception.limit, common.Money(
                100, common.Currency.USD))

    def test_one_runtime(self):
        self.assertIs(orders.RpcError, common.RpcError)
        self.assertIs(orders.Channel, common.Channel)

    def test_package(self):
        with tempfile.TemporaryDirectory() as folder:
            shop = pathlib.Path(folder, "company", "shop")
            shop.mkdir(parents=True)
            shutil.copy(HERE / "common.py", shop.parent)
            shutil.copy(HERE / "shop" / "orders.py", shop)
            program = ("import company.shop.orders as o, company.common as c;"
                       "assert o.common is c; print(o.Order().total.cents)")
            run = subprocess.run([sys.executable, "-c", program], cwd=folder,
                                 stdout=subprocess.PIPE, check=True)
            self.assertEqual(run.stdout.strip(), b"0")


if __name__ == "__main__":
    unittest.main()
