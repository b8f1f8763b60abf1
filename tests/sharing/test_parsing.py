"""A batch of entries says what each of them says alone, however many of them are unlike ours."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharing import parsing
from sharing.models import ShareClass
from sharing.stream import Accepted, Entry

ID = UUID(int=7)
AT = 1_764_127_000


def entry(
    number: int = 0,
    *,
    event_id: bytes = ID.hex.encode(),
    target: bytes = b"1",
    channel: bytes = b"x",
    share_class: bytes = b"intent",
    at: bytes = b"1764127000.5",
    entry_id: bytes = b"",
) -> Entry:
    """Return an entry as we write it, but for what is given."""
    flat = [b"event", b" ".join([event_id, target, share_class, at, channel])]
    return entry_id or b"%d-%d" % (AT * 1000, number), flat


def in_fields(one: Entry) -> Entry:
    """Return an entry with a field for each of its words."""
    entry_id, (_, words) = one
    names = [b"id", b"target", b"class", b"at", b"channel"]
    pairs = zip(names, words.split(b" ", 4), strict=True)
    return entry_id, [each for pair in pairs for each in pair]


def alone(entries: list[Entry]) -> list[Accepted | None]:
    """Return what each entry says with nothing beside it but one of a stranger, which is read by itself."""
    stranger: Entry = (b"1-1", [b"no", b"event"])
    found = []
    for each in entries:
        first, second = parsing.parse([each, stranger])
        assert second is None
        found.append(first)
    return found


_ours = st.builds(
    entry,
    st.integers(0, 99),
    event_id=st.uuids().map(lambda each: each.hex.encode()),
    target=st.integers(1, 2**63 - 1).map(lambda each: b"%d" % each),
    channel=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60).map(
        str.encode
    ),
    share_class=st.sampled_from([each.value.encode() for each in ShareClass]),
    at=st.floats(1e9, 4e9).map(lambda each: repr(round(each, 6)).encode()),
)  # fmt: skip
_others = st.one_of(
    st.builds(entry, event_id=st.sampled_from([b"", b"7", str(ID).encode(), b"Z" * 32, b"A" * 32])),
    st.builds(entry, target=st.sampled_from([b"0", b"-1", b"9223372036854775808", b"one", b""])),
    st.builds(entry, channel=st.sampled_from([b"\0", b"\xff", b""])),
    st.builds(entry, share_class=st.sampled_from([b"", b"INTENT"])),
    st.builds(
        entry,
        at=st.sampled_from([
            b"", b"1", b"-1.5", b"1764127000", b"1764127000.", b"1764127000.1234567", b"nan", b"1e300",
            b"1764127000.5 1764127000.5", "１７６４１２７０００.5".encode(), b"0.25", b"-62135596800.0",
        ]),
    ),
    st.builds(entry, entry_id=st.sampled_from([b"99999999999999999-0", b"1764129600000-0", b"0-1"])),
    st.builds(in_fields, _ours),
    st.builds(lambda each: (each[0], [each[1][0], each[1][1].rpartition(b" ")[0]]), _ours),
    st.builds(lambda each: (each[0], [b"other", each[1][1]]), _ours),
    st.builds(lambda each: (each[0], [each[1][0], each[1][1] + b" " + ID.hex.encode()]), _ours),
    st.builds(lambda each: (each[0], [each[1][0], each[1][1] + b"\n" + each[1][1]]), _ours),
    st.builds(lambda each: (each[0], [*each[1], b"more", b"1"]), _ours),
    st.just((b"1-1", [])),
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(entries=st.lists(_ours, max_size=6), strange=st.lists(_others, max_size=2))
def test_a_batch_says_what_its_entries_say_alone(
    entries: list[Entry], strange: list[Entry]
) -> None:
    # In the order of their ids, as a stream has them.
    batch = sorted([*entries, *strange], key=lambda each: int(each[0].partition(b"-")[0]))

    assert parsing.parse(batch) == alone(batch)


def test_what_we_write_is_read_column_by_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_one", None)
    last = b"%d-0" % ((AT + 3600) * 1000)

    first, second = parsing.parse(
        [entry(at=b"1764127000.0"), entry(at=b"1764127000.25", entry_id=last)]
    )

    moment = datetime.fromtimestamp(AT, UTC)
    assert first is not None
    assert second is not None
    assert first.occurred_at == f"{moment:%Y-%m-%d %H:%M:%S}.000000"
    assert second.occurred_at == f"{moment:%Y-%m-%d %H:%M:%S}.250000"
    assert (first.hour, second.hour) == (AT // 3600, AT // 3600 + 1)
    assert first.day == AT // 86400
