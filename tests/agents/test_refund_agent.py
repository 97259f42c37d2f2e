import sys
import unittest
from pathlib import Path
from typing import Any

import silo
from membrane import Answer, Membrane, done, refused, session

sys.path.insert(0, str(Path(__file__).parents[2] / "agents/refund-agent"))
import main
import tools

RESULTS: dict[str, Answer] = {
    "customer:read": done(
        {
            "name": "[NAME_1]",
            "email": "[EMAIL_1]",
            "phone": "[PHONE_1]",
            "address": "[ADDRESS_1]",
            "since": "2020-01-01",
        }
    ),
    "order:read": done(
        {
            "order": "O1234",
            "item": "Lamp",
            "amount": 70000,
            "currency": "USD",
            "refunded": 5,
            "status": "paid",
            "ordered": "",
        }
    ),
    "refund:create": done({"refund": "R1", "order": "O1234", "amount": 24750, "currency": "USD"}),
    "email:send": done({"message": "<1@shop>"}),
}


def run(fields: dict[str, silo.Scalar], **other: Answer) -> Membrane:
    """The agent on a task with these fields; `refund_create=…` answers that capability otherwise."""
    results = RESULTS | {name.replace("_", ":", 1): answer for name, answer in other.items()}

    def answer(path: str, body: dict[str, Any]) -> Answer:
        return results[body["capability"]] if path == "/v1/call" else done({})

    with session(answer, fields=fields) as membrane:
        main.run(silo.task)
    return membrane


ASKED: dict[str, silo.Scalar] = {"order": "O1234", "amount": "247.50 USD"}


class TheRefundAgent(unittest.TestCase):
    def test_refunds_once_and_tells_the_customer(self) -> None:
        membrane = run(ASKED)
        reason = "The customer asked for it."
        refund = {"order": "O1234", "amount": 24750, "currency": "USD", "reason": reason}
        self.assertEqual([call for call in membrane.calls() if call[0] == "refund:create"], [("refund:create", refund)])
        (sent,) = [arguments for capability, arguments in membrane.calls() if capability == "email:send"]
        self.assertEqual(sent["to"], "[EMAIL_1]")
        self.assertEqual(sent["subject"], "Your refund for order O1234")
        self.assertTrue(sent["body"].startswith("Dear [NAME_1],\n"))
        self.assertIn("247.50 USD", sent["body"])
        answer = {
            "text": "Dear [NAME_1], we have refunded 247.50 USD for your order O1234.",
            "fields": {"refund": "R1", "order": "O1234", "amount": "247.50 USD"},
        }
        self.assertEqual(membrane.ends(), [("/v1/complete", answer)])

    def test_hands_over_what_is_over_a_limit_with_what_a_person_needs(self) -> None:
        for code in ("LIMIT_CALL", "LIMIT_TASK", "LIMIT_CUSTOMER_DAY", "LIMIT_ROLE_DAY"):
            membrane = run(ASKED | {"amount": "700.00 USD"}, refund_create=refused(code, "Limit left: 120.00 USD."))
            ((path, body),) = membrane.ends()
            self.assertEqual(path, "/v1/escalate")
            self.assertEqual(body["reason"], "700.00 USD for order O1234: Limit left: 120.00 USD.")
            self.assertIn("create_refund", body["recommendation"])
            self.assertEqual(
                body["facts"],
                {
                    "order": "O1234",
                    "amount": "700.00 USD",
                    "code": code,
                    "item": "Lamp",
                    "paid": "700.00 USD",
                    "refunded": "0.05 USD",
                    "status": "paid",
                },
            )

    def test_sends_no_mail_for_a_refund_that_was_not_made(self) -> None:
        membrane = run(ASKED, refund_create=refused("CONFLICT"))
        self.assertNotIn("email:send", [capability for capability, _ in membrane.calls()])

    def test_hands_over_an_order_that_is_not_this_customers_without_its_facts(self) -> None:
        membrane = run(ASKED, refund_create=refused("NOT_FOUND"), order_read=refused("NOT_FOUND"))
        ((_, body),) = membrane.ends()
        self.assertEqual(body["facts"], {"order": "O1234", "amount": "247.50 USD", "code": "NOT_FOUND"})

    def test_hands_over_a_mail_that_may_not_go_out(self) -> None:
        membrane = run(ASKED, email_send=refused("RECIPIENT_NOT_ALLOWED"))
        ((path, body),) = membrane.ends()
        self.assertEqual((path, body["facts"]["code"]), ("/v1/escalate", "RECIPIENT_NOT_ALLOWED"))
        self.assertIn("was refunded", body["recommendation"])

    def test_calls_nothing_for_an_amount_it_cannot_read(self) -> None:
        for amount in ("a lot", "247.5 USD", "-1.00 USD", None):
            membrane = run({"order": "O1234", "amount": amount})
            self.assertEqual(membrane.calls(), [])
            self.assertEqual([path for path, _ in membrane.ends()], ["/v1/escalate"])


class ATool(unittest.TestCase):
    def test_is_documented_and_takes_what_a_person_can_type(self) -> None:
        for name in ("read_customer", "read_order", "list_orders", "create_refund", "send_refund_email", "order_facts"):
            tool = getattr(tools, name)
            self.assertTrue(tool.__doc__)
            self.assertLessEqual(set(tool.__annotations__) - {"return"}, {"order", "amount", "reason"})
