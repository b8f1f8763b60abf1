"""The states of a delivery are drawn from the code."""

from healthsite.paths import PROJECT_ROOT
from sharing.posting.states import FINISHED, TRANSITIONS, DeliveryState, drawing, may_follow


def test_the_drawing_in_the_docs_is_the_one_of_the_code() -> None:
    text = (PROJECT_ROOT / "docs" / "posting.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{drawing()}\n```" in text


def test_an_armed_delivery_is_never_due_again_without_a_certain_answer() -> None:
    after = {each.after for each in TRANSITIONS if each.before is DeliveryState.ARMED}
    assert DeliveryState.PREPARING not in after
    assert not may_follow(DeliveryState.ARMED, DeliveryState.CANCELLED)
    [again] = [
        each
        for each in TRANSITIONS
        if (each.before, each.after) == (DeliveryState.ARMED, DeliveryState.APPROVED)
    ]
    assert "certainly not posted" in again.when


def test_every_state_can_be_reached_and_left_unless_it_is_an_end() -> None:
    reached = {DeliveryState.DRAFT} | {each.after for each in TRANSITIONS}
    assert reached == set(DeliveryState)
    left = {each.before for each in TRANSITIONS}
    assert set(DeliveryState) - left <= set(FINISHED)
