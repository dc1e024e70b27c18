"""What holds for every driver there is, found as the gateway finds them; a new driver is tested here by existing."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import subprocess
import sys
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
    Text,
)
from tests.drivers.bench import Bench, events
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
#: real answers and real rubbish of all protocols mixed: each class keeps its own in a file frames.py
FRAMES: list[bytes] = [
    frame
    for path in sorted(Path(__file__).parent.glob("*/frames.py"))
    for frame in importlib.import_module(f"tests.drivers.{path.parent.name}.frames").FRAMES
]
#: devices that are not asked anything, so that nothing can wait for an answer
NEVER_ASKED = (DeviceClass.SCANNER, DeviceClass.LINE_DISPLAY)
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
    for at in range(1000):
        seen += events(codec.on_bytes(bytes([0x80, 0xC1, 0x65, 0xFD]) * 64, 0.001 * at))
    assert not [event for event in seen if isinstance(event, Scan | Answer)]
    assert held_bytes(codec) < 10_000


def held_bytes(codec: object) -> int:
    """How many bytes a codec keeps in all its byte strings and lists."""
    return sum(len(value) for value in vars(codec).values() if hasattr(value, "__len__"))


@pytest.mark.parametrize("name", NAMES)
def test_silence_ends_in_a_timeout_refusal(name: str) -> None:
    bench = Bench(name)
    bench.set(silent="yes")
    if drivers.load(name).device_class in NEVER_ASKED:
        return
    end = bench.ask(REQUESTS[drivers.load(name).device_class])
    assert isinstance(end, Refusal)
    assert end.code is ErrorCode.TIMEOUT
    assert end.text


@pytest.mark.parametrize("name", NAMES)
def test_a_late_answer_to_an_old_command_is_not_taken_for_the_new_one(name: str) -> None:
    driver = drivers.load(name)
    if driver.device_class in NEVER_ASKED:
        return
    bench = Bench(name)
    bench.run(1.0)
    bench.set(late=3.4)
    first = bench.ask(REQUESTS[driver.device_class])
    assert isinstance(first, Refusal)
    assert first.code is ErrorCode.TIMEOUT
    # The old answers are on their way and arrive while the new command waits; its own never come.
    second = bench.begin(REQUESTS[driver.device_class], timeout_s=1.0)
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
        "print([m for m in sys.modules if m.startswith('gateway.drivers.') or m in ('escpos', 'serial')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(run.stdout) == ["gateway.drivers.scanner", "gateway.drivers.scanner.line"]
