"""The comparison of ways to store payloads must compare the same bytes."""

from __future__ import annotations

import itertools

from benchmarks.conversations import TEXTS, Words, generated, interleaved, one_after_another
from benchmarks.payload_storage import MESSAGE, cut

WORDS = Words(1, size=500)
RUNS = [generated(seed, 6, 10**18, WORDS) for seed in (1, 9)]


def test_a_run_sends_its_whole_conversation_again() -> None:
    calls = [row.input for row in RUNS[0].rows if row.attributes]
    assert len(calls) == 6
    for earlier, later in itertools.pairwise(calls):
        assert later.startswith(earlier.removesuffix("]"))


def test_runs_of_one_agent_share_nothing_but_their_instructions() -> None:
    first, second = RUNS  # seeds 1 and 9 are the same agent
    assert first.rows[0].attributes == second.rows[0].attributes
    assert not {row.output for row in first.rows} & {row.output for row in second.rows}


def test_every_arrangement_holds_every_row_once() -> None:
    wanted = sorted(row.span_id for run in RUNS for row in run.rows)
    for batches in (one_after_another(RUNS, 5), interleaved(RUNS, 4)):
        assert sorted(row.span_id for batch in batches for row in batch) == wanted
    assert all(
        {row.trace_id for row in batch} == {run.rows[0].trace_id for run in RUNS} for batch in interleaved(RUNS, 4)
    )


def test_messages_kept_once_are_put_together_again() -> None:
    batches = interleaved(RUNS, 4)
    for cached in (False, True):
        rows, messages = cut(batches, cached)
        texts = {(m["trace_id"], m["hash"]): m["text"] for table in messages for m in table.to_pylist()}
        found = [row for table in rows for row in table.to_pylist()]
        for row, original in zip(found, (row for batch in batches for row in batch), strict=True):
            for name in TEXTS:
                whole = "".join(texts[row["trace_id"], mark] for mark in row[name])
                assert whole == getattr(original, name)
        sent = sum(table.num_rows for table in messages)
        assert (sent == len(texts)) is cached  # without the cache, what every batch holds is sent by every batch


def test_cutting_at_messages_finds_json_inside_json() -> None:
    assert MESSAGE.split(r'[{"role":"a"},{"role":"b"}]') == ["[", '{"role":"a"},', '{"role":"b"}]']
    assert len(MESSAGE.split(r'{"x":"[{\"role\":\"a\"},{\"role\":\"b\"}]"}')) == 3
