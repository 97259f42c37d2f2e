import random
import unittest

from silo import Money, format_money, money

ALPHABET = "0123456789.,-+ eE_USDJPYKWD٠１\n"


class TheReaderOfAmounts(unittest.TestCase):
    def test_reads_what_a_currency_allows(self) -> None:
        for text, minor, currency in (
            ("247.50 USD", 24750, "USD"),
            ("247 USD", 24700, "USD"),
            ("0.01 EUR", 1, "EUR"),
            ("0 USD", 0, "USD"),
            ("500 JPY", 500, "JPY"),
            ("1.234 KWD", 1234, "KWD"),
            ("9999999999999.99 USD", 999999999999999, "USD"),
        ):
            self.assertEqual(money(text), Money(minor, currency))

    def test_refuses_every_other_form(self) -> None:
        for text in (
            "", "USD", "247.50", "247.5 USD", "247.500 USD", "247. USD", ".50 USD", "-1.00 USD", "+1.00 USD", "1,000.00 USD",
            "1e3 USD", "01.00 USD", " 1.00 USD", "1.00 USD\n", "1.00  USD", "1.00 usd", "1.00 USDT", "١.٠٠ USD", "１.00 USD",
            "1.5 JPY", "1.00 KWD", "10000000000000.00 USD", "NaN USD", "1_0.00 USD",
        ):  # fmt: skip
            with self.subTest(text), self.assertRaises(ValueError):
                money(text)

    def test_is_the_opposite_of_the_writer(self) -> None:
        chance = random.Random(1)
        for _ in range(2000):
            amount = Money(chance.randrange(10 ** chance.randrange(1, 16)), chance.choice(("USD", "JPY", "KWD", "CLF")))
            if amount.currency == "JPY":
                amount = Money(amount.minor % 10**13, "JPY")
            if amount.minor < 10**13:
                self.assertEqual(money(format_money(*amount)), amount)

    def test_reads_no_text_in_two_ways(self) -> None:
        chance = random.Random(2)
        for _ in range(5000):
            text = "".join(chance.choices(ALPHABET, k=chance.randrange(12)))
            try:
                amount = money(text)
            except ValueError:
                continue
            self.assertIn(text, (format_money(*amount), format_money(*amount).replace(".00", "")))


class TheWriterOfAmounts(unittest.TestCase):
    def test_writes_what_is_below_one_and_below_zero(self) -> None:
        self.assertEqual(format_money(5, "USD"), "0.05 USD")
        self.assertEqual(format_money(-5, "USD"), "-0.05 USD")
        self.assertEqual(format_money(-7, "JPY"), "-7 JPY")
