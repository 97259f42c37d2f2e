"""Refunds one order and tells the customer (instructions.md). What it may not decide it hands over (escalation.md)."""

import silo
import tools


def run(task: silo.Task) -> None:
    order, amount = str(task.fields.get("order")), str(task.fields.get("amount"))
    try:
        silo.money(amount)
    except ValueError as error:
        silo.escalate(str(error), "Ask the customer which order and how much.", order=order, amount=amount)
        return
    try:
        refund(order, amount)
    except silo.Refused as refusal:
        hand_over(order, amount, refusal)


def refund(order: str, amount: str) -> None:
    """Does what instructions.md says, in its order."""
    customer = tools.read_customer()
    made = tools.create_refund(order, amount, "The customer asked for it.")
    tools.send_refund_email(order, amount)
    silo.complete(
        f"Dear {customer['name']}, we have refunded {amount} for your order {order}.",
        refund=made["refund"],
        order=order,
        amount=amount,
    )


def hand_over(order: str, amount: str, refusal: silo.Refused) -> None:
    """Escalates with what was tried, why it was refused, and what a person would do next."""
    silo.escalate(
        f"{amount} for order {order}: {refusal.message}",
        recommend(order, amount, refusal),
        order=order,
        amount=amount,
        code=refusal.code,
        **tools.order_facts(order),
    )


def recommend(order: str, amount: str, refusal: silo.Refused) -> str:
    if refusal.code.startswith("LIMIT_"):
        return f"Check the order, then refund {amount} with create_refund and tell the customer with send_refund_email."
    if refusal.code in ("RECIPIENT_NOT_ALLOWED", "UNKNOWN_OUTCOME"):
        return f"Look with list_orders whether {order} was refunded and reach the customer another way."
    return f"Look at {order} with read_order and ask the customer."
