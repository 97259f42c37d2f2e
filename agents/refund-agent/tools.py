"""What can be done in a refund case: the agent calls these, a person clicks them. Personal values are tokens."""

from pathlib import Path
from typing import TypedDict

import silo

_TEMPLATES = Path(__file__).parent / "templates"


class Customer(TypedDict):
    """The customer of the case; name, email, phone and address are tokens."""

    name: str
    email: str
    phone: str
    address: str
    since: str


class Order(TypedDict):
    """One order. Amounts count minor units of `currency`."""

    order: str
    item: str
    amount: int
    currency: str
    refunded: int
    status: str
    ordered: str


class Refund(TypedDict):
    """One refund that was made."""

    refund: str
    order: str
    amount: int
    currency: str


def read_customer() -> Customer:
    """The customer of this case."""
    return silo.call("customer:read")


def read_order(order: str) -> Order:
    """One order of this customer, for example `O1234`."""
    return silo.call("order:read", order=order)


def list_orders() -> list[Order]:
    """The newest orders of this customer."""
    return silo.call("order:list")


def create_refund(order: str, amount: str, reason: str) -> Refund:
    """Refunds `amount`, written like `247.50 USD`, of an order of this customer."""
    minor, currency = silo.money(amount)
    return silo.call("refund:create", order=order, amount=minor, currency=currency, reason=reason)


def send_refund_email(order: str, amount: str) -> str:
    """Tells the customer by e-mail that `amount` was refunded; returns the message's id."""
    customer = read_customer()
    template = (_TEMPLATES / "refund-email.txt").read_text(encoding="utf-8")
    subject, _, body = template.format(name=customer["name"], amount=amount, order=order).partition("\n\n")
    sent = silo.call("email:send", to=customer["email"], subject=subject.removeprefix("Subject: "), body=body)
    return sent["message"]


def order_facts(order: str) -> dict[str, silo.Scalar]:
    """What a person wants to know of an order before deciding; empty where it cannot be read."""
    try:
        found = read_order(order)
    except silo.Refused:
        return {}
    return {
        "item": found["item"],
        "paid": silo.format_money(found["amount"], found["currency"]),
        "refunded": silo.format_money(found["refunded"], found["currency"]),
        "status": found["status"],
    }
