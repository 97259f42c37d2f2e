"""Amounts of money as whole minor units: floating point never touches them."""

import re
from typing import NamedTuple

# ISO 4217: how many digits after the point, where they are not two.
_NONE = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF")
_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DIGITS = dict.fromkeys((*_NONE, "XPF"), 0) | dict.fromkeys(_THREE, 3) | {"CLF": 4, "UYW": 4}

_FORM = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,4}))? ([A-Z]{3})", re.ASCII)


class Money(NamedTuple):
    """`minor` counts the smallest unit of `currency`: `Money(24750, "USD")` is 247.50 USD."""

    minor: int
    currency: str


def money(text: str) -> Money:
    """Reads `"247.50 USD"` or `"247 USD"`. Raises ValueError on any other form."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"An amount is written like 247.50 USD, not {text!r}.")
    whole, part, currency = match.groups()
    digits = _DIGITS.get(currency, 2)
    if part is not None and len(part) != digits:
        raise ValueError(f"{currency} has {digits} digits after the point, {text!r} has {len(part)}.")
    return Money(int(whole + (part or "0" * digits)), currency)


def format_money(minor: int, currency: str) -> str:
    """The opposite of `money`: `format_money(24750, "USD")` is `"247.50 USD"`."""
    digits = _DIGITS.get(currency, 2)
    if digits == 0:
        return f"{minor} {currency}"
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}} {currency}"
