import datetime
import unittest
from typing import Any

import silo
from membrane import BROKEN, LATER, UNREADABLE, Answer, done, refused, session
from silo import _session


class ACall(unittest.TestCase):
    def test_counts_steps_from_the_documents_first(self) -> None:
        with session(first_step=5) as membrane:
            silo.call("customer:read")
            silo.call("order:read", order="O1")
        self.assertEqual(
            [body for _, body, _ in membrane.heard],
            [
                {"step": 5, "capability": "customer:read", "arguments": {}},
                {"step": 6, "capability": "order:read", "arguments": {"order": "O1"}},
            ],
        )

    def test_carries_both_keys_on_one_connection(self) -> None:
        with session() as membrane:
            for _ in range(3):
                silo.call("customer:read")
        for _, _, headers in membrane.heard:
            self.assertEqual(headers["Authorization"], "Bearer base.key.x")
            self.assertEqual(headers["Silo-Task-Key"], "task.key.x")
        self.assertEqual(membrane.connections, 1)

    def test_is_asked_again_as_the_same_step_until_it_has_a_final_answer(self) -> None:
        answers = iter([LATER, BROKEN, UNREADABLE, LATER, done({"name": "[NAME_1]"})])
        with session(lambda _path, _body: next(answers)) as membrane:
            self.assertEqual(silo.call("customer:read"), {"name": "[NAME_1]"})
        self.assertEqual([body["step"] for _, body, _ in membrane.heard], [1] * 5)

    def test_raises_what_it_was_refused_with_and_goes_on_with_the_next_step(self) -> None:
        def answer(_path: str, body: dict[str, Any]) -> Answer:
            return refused("LIMIT_CALL", "Limit left: 120.00 USD; escalate for more.") if body["step"] == 1 else done(1)

        with session(answer) as membrane:
            with self.assertRaises(silo.Refused) as caught:
                silo.call("refund:create", amount=1)
            self.assertEqual(caught.exception.code, "LIMIT_CALL")
            self.assertEqual(caught.exception.message, "Limit left: 120.00 USD; escalate for more.")
            silo.call("refund:create", amount=2)
        self.assertEqual([body["step"] for _, body, _ in membrane.heard], [1, 2])

    def test_may_have_arguments_named_like_its_own_parameters(self) -> None:
        with session() as membrane:
            silo.call("kv:set", capability="a", self="b", arguments="c")
        self.assertEqual(membrane.calls(), [("kv:set", {"capability": "a", "self": "b", "arguments": "c"})])

    def test_of_what_is_no_json_never_leaves_the_cell(self) -> None:
        with session() as membrane:
            for value in (float("nan"), float("inf"), object(), "\ud800"):
                with self.assertRaises((ValueError, TypeError)):
                    silo.call("kv:set", value=value)  # type: ignore[arg-type]
        self.assertEqual(membrane.heard, [])


class ATask(unittest.TestCase):
    def test_is_the_document_in_tokens(self) -> None:
        history = [{"role": "a", "reason": "b", "recommendation": "c", "facts": {"d": 1}}]
        with session(fields={"order": "O1"}, history=history):
            self.assertEqual(silo.task.fields, {"order": "O1"})
            self.assertEqual(silo.task.customer, "tok_00000001")
            self.assertEqual(silo.task.history[0].facts, {"d": 1})

    def test_has_a_clock_that_stands_still(self) -> None:
        with session():
            self.assertEqual(silo.now(), datetime.datetime(2025, 6, 15, 15, 6, 40, 123000, datetime.UTC))
            self.assertEqual(silo.now(), silo.now())

    def test_ends_with_an_answer(self) -> None:
        with session() as membrane:
            silo.complete("Dear [NAME_1]", refund="R1", text="also a field")
        self.assertEqual(
            membrane.ends(),
            [("/v1/complete", {"text": "Dear [NAME_1]", "fields": {"refund": "R1", "text": "also a field"}})],
        )

    def test_ends_with_a_hand_over(self) -> None:
        with session() as membrane:
            silo.escalate("too much", "refund it", amount="700.00 USD")
        self.assertEqual(
            membrane.ends(),
            [
                (
                    "/v1/escalate",
                    {"reason": "too much", "recommendation": "refund it", "facts": {"amount": "700.00 USD"}},
                )
            ],
        )

    def test_is_not_there_outside_a_cell(self) -> None:
        held, _session._session = _session._session, None
        try:
            with self.assertRaisesRegex(RuntimeError, "not run in a cell"):
                silo.call("customer:read")
        finally:
            _session._session = held
