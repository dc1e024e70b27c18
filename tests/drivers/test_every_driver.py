"""What holds for every driver there is, found as the gateway finds them; a new driver is tested here by existing."""

from __future__ import annotations

import functools
import importlib
import itertools
import re
import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import drivers, simulators
from gateway.errors import ConfigError
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Codec,
    Command,
    DeviceClass,
    DisplayText,
    ErrorCode,
    Event,
    Label,
    LabelText,
    OpenDrawer,
    Pay,
    PaymentKind,
    Print,
    PrintLabels,
    ReadWeight,
    Refusal,
    Request,
    Scan,
    SetScanning,
    Text,
)
from tests.drivers.bench import Bench, events, frames, held_bytes
from tools import device_document

NAMES = drivers.names()
REQUESTS: dict[DeviceClass, Request] = {
    DeviceClass.SCANNER: CheckHealth(),
    DeviceClass.SCALE: ReadWeight(),
    DeviceClass.POS_PRINTER: Print((Text("one line"),)),
    DeviceClass.CASH_DRAWER: OpenDrawer(),
    DeviceClass.LINE_DISPLAY: DisplayText(("Milk", "1.19")),
    DeviceClass.PAYMENT_TERMINAL: Pay("S0421-1-1", PaymentKind.SALE, 318, "EUR"),
    DeviceClass.LABEL_PRINTER: PrintLabels((Label(500, 300, (LabelText(10, 10, "Milk"),)),)),
}
#: real answers and real rubbish of all protocols mixed
FRAMES: list[bytes] = list(itertools.chain.from_iterable(frames().values()))
streams = st.lists(st.one_of(st.sampled_from(FRAMES), st.binary(max_size=40)), max_size=12).map(b"".join)


def asked(name: str) -> Codec:
    """A codec with a command outstanding (where its device can be asked anything)."""
    driver = drivers.load(name)
    codec = driver.codec()
    codec.on_time(0.0)
    codec.on_command(Command(1, REQUESTS[driver.device_class]), 0.0)
    return codec


@pytest.mark.parametrize("name", NAMES)
@given(data=streams, cuts=st.lists(st.integers(0, 500), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_split_of_the_bytes_gives_the_same_events(name: str, data: bytes, cuts: list[int]) -> None:
    whole = events(asked(name).on_bytes(data, 0.1))
    codec, pieces = asked(name), []
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        pieces += events(codec.on_bytes(data[start:end], 0.1))
    assert pieces == whole


@pytest.mark.parametrize("name", NAMES)
@given(noise=st.binary(min_size=1, max_size=400))
@settings(max_examples=60, deadline=None)
def test_noise_with_a_command_outstanding_raises_nothing(name: str, noise: bytes) -> None:
    codec = asked(name)
    codec.on_bytes(noise, 0.1)
    codec.on_time(0.2)


@pytest.mark.parametrize("name", NAMES)
def test_noise_sells_nothing_and_does_not_grow_the_buffer(name: str) -> None:
    # Noise without any frame's beginning, end or status bits: what a wrong baud rate makes of a line.
    codec, seen = asked(name), list[Event]()
    before = held_bytes(codec)
    for at in range(1000):
        seen += events(codec.on_bytes(bytes([0x80, 0xC1, 0x65, 0xFD]) * 64, 0.001 * at))
    assert not [event for event in seen if isinstance(event, Scan | Answer)]
    assert held_bytes(codec) - before < 20_000  # HTTP's headers may have 16 KiB


def test_no_helper_hides_what_it_holds() -> None:
    class Helper:
        __slots__ = ("kept",)

        def __init__(self) -> None:
            self.kept = deque([bytearray(1000)])

    class Holder:
        def __init__(self) -> None:
            self.helpers, self.me = {"one": (Helper(), b"22")}, self
            kept = b"333" * 100
            self.later = functools.partial(lambda _: kept, b"4444")

    # Strings count their length, containers their entries; what stands in a circle counts once.
    assert held_bytes(Holder()) == (1 + 3 + 2 + 2 + 1 + 1000) + (300 + 1 + 4)
    assert held_bytes("ä" * 5) == 5


def waits_for_its_device(name: str, request: Request | None = None) -> bool:
    """Whether its command stays open until the device has said something; not so where the line alone is enough."""
    bench = Bench(name)
    bench.run(1.0)
    bench.set(silent="yes")
    return bench.ended(bench.begin(request or REQUESTS[drivers.load(name).device_class])) is None


def with_effect(name: str) -> Request:
    """What makes a difference: that a scanner is there, any old answer of it proves as well."""
    device_class = drivers.load(name).device_class
    return SetScanning(enabled=False) if device_class is DeviceClass.SCANNER else REQUESTS[device_class]


def test_only_what_cannot_be_asked_ends_without_an_answer() -> None:
    at_once = {drivers.load(name).device_class for name in NAMES if not waits_for_its_device(name)}
    assert at_once == {DeviceClass.SCANNER, DeviceClass.LINE_DISPLAY}


@pytest.mark.parametrize("name", NAMES)
def test_silence_ends_in_a_timeout_refusal_unless_nothing_can_be_asked(name: str) -> None:
    bench = Bench(name)
    bench.set(silent="yes")
    end = bench.ask(REQUESTS[drivers.load(name).device_class])
    if waits_for_its_device(name):
        assert isinstance(end, Refusal)
        assert end.code is ErrorCode.TIMEOUT
        assert end.text
    elif isinstance(end, Refusal):
        assert end.reason != "silent"  # said of a device that was not asked


@pytest.mark.parametrize("name", [name for name in NAMES if waits_for_its_device(name, with_effect(name))])
def test_a_late_answer_to_an_old_command_is_not_taken_for_the_new_one(name: str) -> None:
    request = with_effect(name)
    bench = Bench(name)
    bench.run(1.0)
    bench.set(late=3.4)
    first = bench.ask(request)
    assert isinstance(first, Refusal)
    assert first.code is ErrorCode.TIMEOUT
    # The old answers are on their way and arrive while the new command waits, if the line is still the same; its own
    # never come. A payment has an id, and no other payment has it.
    other = replace(request, payment_id="S0421-1-2") if isinstance(request, Pay) else request
    second = bench.begin(other, timeout_s=1.0)
    bench.set(silent="yes")
    bench.run(1.5)
    assert isinstance(bench.ended(second), Refusal)


@pytest.mark.parametrize("name", NAMES)
def test_an_impossible_request_is_refused_at_once(name: str) -> None:
    driver = drivers.load(name)
    wrong = OpenDrawer() if driver.device_class is not DeviceClass.CASH_DRAWER else ReadWeight()
    (end,) = events(driver.codec().on_command(Command(5, wrong), 0.0))
    assert end == Refusal(5, ErrorCode.ILLEGAL, "unsupported", end.text)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_names_wire_and_source(name: str) -> None:
    text = importlib.import_module(drivers.load(name).codec.__module__).__doc__ or ""
    assert re.search(r"^Wire: {3}\S", text, re.MULTILINE)
    assert re.search(r"^Source: \S", text, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_described_and_every_described_one_is_taken(name: str) -> None:
    driver = drivers.load(name)
    parameters = set(importlib.import_module("inspect").signature(driver.codec).parameters)
    assert parameters == set(driver.options)
    with pytest.raises(TypeError):
        driver.codec(baudrat=9600)


@pytest.mark.parametrize("name", NAMES)
def test_every_driver_has_a_simulator_of_its_name(name: str) -> None:
    simulator = simulators.load(name)
    assert simulator.device_class is drivers.load(name).device_class
    with pytest.raises(ValueError, match=next(iter(simulator.knobs))):
        simulator.device().set("no-such-knob", "1")


@pytest.mark.parametrize("name", NAMES)
def test_the_device_stands_in_the_generated_document(name: str) -> None:
    assert f"\n## {name}\n" in device_document.render()


def test_the_document_in_the_tree_is_the_generated_one() -> None:
    assert (Path(__file__).parents[2] / device_document.PATH).read_text(encoding="utf-8") == device_document.render()


def test_an_unknown_name_is_met_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'scale-toledo-8217'"):
        drivers.load("scale-toledo-8271")
    with pytest.raises(ConfigError, match="did you mean 'printer-escpos'"):
        simulators.load("printer-escpo")


def test_only_the_driver_asked_for_is_imported() -> None:
    code = (
        "import sys; from gateway import drivers; drivers.load('scanner-line'); drivers.names();"
        "print([n for n, m in sys.modules.items() if n.startswith('gateway.drivers.') and hasattr(m, 'DRIVER')],"
        " [n for n in sys.modules if n in ('escpos', 'serial', 'h11', 'cryptography')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "['gateway.drivers.scanner.line'] []\n"
