from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.terminal.ecr17 import POINTS, PretendEcr17
from gateway.simulators.terminal.ecr17_messages import check_byte, tickets

ACK, NAK = b"\x06\x03\x79", b"\x15\x03\x6a"
X = b"000000000X0000000100000" + b"00000318" + b" " * 128 + b"00000000"


def framed(text: bytes, way: str = "std") -> bytes:
    return b"\x02" + text + b"\x03" + check_byte(text, way)


def said(terminal: PretendEcr17, data: bytes, now: float = 0.0) -> bytes:
    return b"".join(item.data for item in terminal.on_bytes(data, now) if isinstance(item, Send))


def later(terminal: PretendEcr17, now: float) -> bytes:
    return b"".join(item.data for item in terminal.on_time(now) if isinstance(item, Send))


def with_result(**knobs: str) -> tuple[PretendEcr17, bytes]:
    """A terminal that has sent its result at second 2."""
    terminal = PretendEcr17()
    for knob, value in knobs.items():
        terminal.set(knob, value)
    assert said(terminal, framed(X)).startswith(ACK)
    later(terminal, 0.5)
    later(terminal, 0.7)
    return terminal, later(terminal, 2.0)


def test_the_state_is_told_by_position() -> None:
    answer = said(PretendEcr17(), framed(b"000000000s"))
    assert answer.startswith(ACK + b"\x02123456780s")
    text = answer[len(ACK) + 1 : -2]
    assert (text[20:30], text[30:31], text[31:]) == (b"2907261520", b"2", b"NX170100")


@pytest.mark.parametrize("way", ["std", "stx", "noext", "stx_noext"])
def test_the_check_byte_is_asked_for_as_set(way: str) -> None:
    terminal = PretendEcr17()
    terminal.set("lrc", way)
    assert said(terminal, framed(b"000000000E1", way)) == b"\x06\x03" + check_byte(b"\x06", way)
    assert said(terminal, framed(b"000000000E1", way)[:-1] + b"\x00")[:1] == b"\x15"


def test_what_is_unknown_or_for_another_terminal_is_refused() -> None:
    terminal = PretendEcr17()
    assert said(terminal, framed(b"000000000Z")) == NAK
    assert said(terminal, framed(b"999999990s")) == NAK


def test_a_payment_shows_progress_and_tells_its_result_by_position() -> None:
    terminal = PretendEcr17()
    assert said(terminal, framed(X)) == ACK + b"\x01INSERIRE CARTA      \x04"
    assert later(terminal, 0.5) == b"\x01DIGITARE PIN        \x04"
    assert later(terminal, 0.7) == b"\x01COLLEGAMENTO HOST   \x04"
    text = later(terminal, 2.0)[1:-2]
    assert len(text) == 92
    assert text[:12] == b"123456780E00"
    assert text[12:31] == b"000411111******1111"
    assert (text[34:40], text[59:65], text[74:82]) == (b"A1B2C3", b"000001", b"00000318")
    assert [(one.kind, one.amount, one.state) for one in terminal.ledger] == [("sale", 318, "booked")]


def test_a_refusal_has_its_reason_by_position() -> None:
    _, result = with_result(decline="CARTA SCADUTA")
    assert result[1:-2][:36] == b"123456780E01" + b"CARTA SCADUTA".ljust(24)


def test_a_result_is_sent_four_times_without_acknowledgement_and_again_at_once_after_nak() -> None:
    terminal, result = with_result()
    assert said(terminal, NAK, 2.1) == result
    assert [later(terminal, at) for at in (4.1, 6.1, 8.1)] == [result, result, b""]


def test_the_last_result_is_told_again_and_nothing_is_booked() -> None:
    terminal, result = with_result()
    said(terminal, ACK, 2.1)
    assert said(terminal, framed(b"000000000G000000010000"), 3.0) == ACK + result
    assert len(terminal.ledger) == 1


def test_without_a_result_there_is_nothing_to_tell() -> None:
    assert said(PretendEcr17(), framed(b"000000000G000000010000")) == NAK


def test_receipts_go_to_the_till_for_one_order_only() -> None:
    terminal = PretendEcr17()
    assert said(terminal, framed(b"000000000E1")) == ACK
    said(terminal, framed(X))
    for at in (0.5, 0.7, 2.0):
        later(terminal, at)
    assert said(terminal, ACK, 2.1).startswith(b"\x02123456780S")
    terminal, _ = with_result()
    assert said(terminal, ACK, 2.1) == b""


def test_tickets_have_200_characters_at_most_and_an_end() -> None:
    texts = tickets("12345678", ["x" * 24] * 20)
    assert all(len(text) <= 210 for text in texts)
    assert texts[-1].endswith("}" * 6 + "\x1b")


def test_a_reversal_wants_the_stan_of_the_last_payment() -> None:
    terminal, _ = with_result()
    said(terminal, ACK, 2.1)
    said(terminal, framed(b"000000000S0000000100000900"), 3.0)
    assert later(terminal, 4.0)[1:13] == b"123456780E01"
    said(terminal, ACK, 4.1)
    said(terminal, framed(b"000000000S0000000100000100"), 5.0)
    assert later(terminal, 6.0)[1:13] == b"123456780E00"
    assert [one.state for one in terminal.ledger] == ["reversed", "booked"]


@pytest.mark.parametrize("point", POINTS)
def test_a_cut_line_says_nothing_and_hears_nothing_until_it_is_mended(point: str) -> None:
    terminal = PretendEcr17()
    terminal.set("cut", point)
    terminal.is_cut = True
    assert said(terminal, framed(b"000000000s")) == b""
    terminal.set("cut", "")
    assert said(terminal, framed(b"000000000s")).startswith(ACK)


@pytest.mark.parametrize(
    ("knob", "value", "words"),
    [("cut", "x", "after_ack"), ("lrc", "x", "noext"), ("pan", "x", "number"), ("a", "1", "cut")],
)
def test_a_wrong_knob_is_told(knob: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PretendEcr17().set(knob, value)
