"""How a prompt differs from the one before: added, removed, changed, the system prompt, the tools."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracestore.analysis.prompt_changes import prompt_changes
from tracestore.spans.messages import Conversation, Message, Tool


def message(role: str, text: str) -> Message:
    return Message(role, [{"type": "text", "text": text}])  # type: ignore[arg-type]


def kinds(before: Conversation, now: Conversation) -> list[tuple[str, int, int]]:
    return [(change.kind, change.before, change.after) for change in prompt_changes(before, now).messages]


SYSTEM = message("system", "You are a support agent. Be brief.")
QUESTION = message("user", "Where is my order?")


def test_a_conversation_that_goes_on_adds_its_answer_and_the_next_question() -> None:
    answer = message("assistant", "It was shipped.")
    before = Conversation([SYSTEM, QUESTION], [answer])
    now = Conversation([SYSTEM, QUESTION, answer, message("user", "When will it come?")])
    changes = prompt_changes(before, now).messages
    assert [(change.kind, change.is_answer) for change in changes] == [
        ("same", False),
        ("same", False),
        ("added", True),
        ("added", False),
    ]


def test_rewritten_instructions_are_a_change_however_different() -> None:
    other = message("system", "Antworte nur auf Deutsch")
    assert kinds(Conversation([SYSTEM, QUESTION]), Conversation([other, QUESTION])) == [
        ("changed", 0, 0),
        ("same", 1, 1),
    ]


def test_a_message_with_other_words_is_another_message() -> None:
    now = Conversation([SYSTEM, message("user", "Cancel everything immediately please")])
    assert kinds(Conversation([SYSTEM, QUESTION]), now) == [("same", 0, 0), ("added", -1, 1), ("removed", 1, -1)]
    near = Conversation([SYSTEM, message("user", "Where is my parcel?")])
    assert kinds(Conversation([SYSTEM, QUESTION]), near)[1] == ("changed", 1, 1)


def test_tools_on_offer_are_told_by_name() -> None:
    def tool(name: str, description: str) -> Tool:
        return {"name": name, "description": description, "parameters": {"type": "object"}}

    changes = prompt_changes(
        Conversation(tools=[tool("a", "1"), tool("b", "1"), tool("c", "1")]),
        Conversation(tools=[tool("c", "1"), tool("b", "2"), tool("d", "1")]),
    )
    assert [(one.kind, one.name) for one in changes.tools] == [("removed", "a"), ("added", "d"), ("changed", "b")]
    assert not changes.is_same


talks = st.lists(
    st.builds(message, st.sampled_from(["user", "assistant", "system"]), st.sampled_from(["a b", "a c", "d", ""])),
    max_size=8,
)


@given(talks, talks)
def test_every_message_of_both_prompts_appears_once_and_in_order(old: list[Message], new: list[Message]) -> None:
    changes = kinds(Conversation(old), Conversation(new))
    assert [before for _, before, _ in changes if before >= 0] == list(range(len(old)))
    assert [after for _, _, after in changes if after >= 0] == list(range(len(new)))


@given(talks)
def test_a_prompt_does_not_differ_from_itself(talk: list[Message]) -> None:
    assert prompt_changes(Conversation(talk), Conversation(talk)).is_same
