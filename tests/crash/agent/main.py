"""One effect at every proxy, once: what a crash must neither lose nor repeat."""

import silo


def run(task: silo.Task) -> None:
    order, amount = str(task.fields["order"]), str(task.fields["amount"])
    try:
        notes = refund(order, amount)
    except silo.Refused as refusal:
        silo.escalate(f"{refusal.code}: {refusal.message}", "Look what happened, then decide.", code=refusal.code)
        return
    silo.complete(f"We have refunded {amount} for your order {order}.", notes=notes)


def refund(order: str, amount: str) -> int:
    """Refunds, notes it, and writes an e-mail and an SMS; returns how many notes the case holds."""
    minor, currency = silo.money(amount)
    customer = silo.call("customer:read")
    text = f"{order}: refunded {amount}."
    silo.call("refund:create", order=order, amount=minor, currency=currency, reason="The customer asked for it.")
    silo.call("kv:push", list="refunds", value=order)
    silo.call("email:send", to=customer["email"], subject=f"Your order {order}", body=text)
    silo.call("sms:send", to=customer["phone"], text=text)
    return len(silo.call("kv:range", list="refunds", **{"from": 0, "to": 10}))
