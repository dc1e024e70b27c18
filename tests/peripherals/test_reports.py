from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.peripherals.reports import LONGEST, Key, Keys, Record, Records, pack, pack_key

records = st.lists(st.tuples(st.sampled_from("DIFOSG"), st.binary(max_size=80)).map(lambda pair: Record(*pair)))


@given(records, st.lists(st.integers(0, 400)))
def test_records_come_out_as_they_went_in_however_they_are_cut(said: list[Record], cuts: list[int]) -> None:
    stream = b"".join(pack(*record) for record in said)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    cutter, heard = Records(), list[Record]()
    for start, end in itertools.pairwise(places):
        heard += cutter.feed(stream[start:end])
    assert heard == said
    assert (len(cutter), cutter.skipped) == (0, 0)


def test_what_is_no_record_is_skipped_and_counted() -> None:
    cutter = Records()
    assert cutter.feed(b"\x00\xff" + pack("I", b"47") + b"xyz" + pack("D", b"")) == [("I", b"47"), ("D", b"")]
    assert cutter.skipped == 5
    too_long = b"I" + (LONGEST + 1).to_bytes(2, "little")
    assert cutter.feed(too_long + pack("I", b"11"))[-1] == ("I", b"11")


def test_the_byte_form_of_a_record_and_of_a_key() -> None:
    assert pack("O", b"\x04\x02") == b"O\x02\x00\x04\x02"
    assert pack_key(Key(1, 28, 1)) == bytes([1, 0, 28, 0, 1, 0, 0, 0])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 700), st.integers(-1, 2)).map(lambda k: Key(*k))))
def test_keys_come_out_as_they_went_in_byte_by_byte(said: list[Key]) -> None:
    cutter = Keys()
    assert [key for byte in b"".join(map(pack_key, said)) for key in cutter.feed(bytes([byte]))] == said
