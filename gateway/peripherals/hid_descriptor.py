"""HID report descriptors: which bits of a report mean what. For drivers of HID devices, which must never guess it.

Two makers of the same kind of device number their reports differently and order the fields differently; only the
descriptor is the same language for all. So a driver asks for a usage, not for a byte:

    layout = parse(descriptor)                           # raises BadDescriptor
    report = layout.read(payload)                        # an input report as hidraw gives it; None: not one of these
    report.values(0x8D0040)                              # (450,): every element with this usage, in order
    report.chosen(within=0x8D0033)                       # (0x8D0074,): usages that an array (named values) stands at
    field = layout.find(0x8D0080, kind="output")         # where a usage lives, or None
    layout.build("output", field.report_id, {0x8D0080: 1})   # a report, its id first (0 where the device uses none)

A usage is written with its page: page << 16 | usage. Bits count from the first byte after the report id, bit 0 first.

Source: USB Device Class Definition for Human Interface Devices (HID) 1.11, chapters 5.4 to 5.6, 5.8, 6.2.2 and 8.
        Two habits are taken from Linux (drivers/hid/hid-core.c), which devices were tested with: a logical maximum is
        unsigned unless the minimum is negative, and a unit exponent without high bits is a signed nibble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["input", "output", "feature"]

#: bounds against descriptors that are noise; the first two are Linux's (HID_MAX_DESCRIPTOR_SIZE, 16 KiB a report)
LONGEST_DESCRIPTOR = 4096
MOST_BITS = 16_384 * 8
MOST_FIELDS = 512
DEEPEST = 32

_MAIN, _GLOBAL, _LOCAL = 0, 1, 2
_KINDS: dict[int, Kind] = {0x8: "input", 0x9: "output", 0xB: "feature"}
_COLLECTION, _END_COLLECTION = 0xA, 0xC
_APPLICATION = 1


class BadDescriptor(ValueError):
    """The bytes are no report descriptor; the text says where they stop being one."""


@dataclass(frozen=True, slots=True)
class Field:
    """Neighbouring elements that one main item declared.

    usages:      ranges (first, last) in the order declared; a single usage is a range of one
    variable:    each element has its own usage; else it is an array, whose elements name one of the usages
    application: usage of the outermost collection, 0 if there is none; collections: usages from there inwards
    unit, unit_exponent: as the descriptor has them (HID 1.11, 6.2.2.7)
    """

    kind: Kind
    report_id: int
    bit_offset: int
    bit_size: int
    count: int
    usages: tuple[tuple[int, int], ...]
    logical_min: int
    logical_max: int
    variable: bool
    constant: bool = False
    application: int = 0
    collections: tuple[int, ...] = ()
    unit: int = 0
    unit_exponent: int = 0

    def usage_at(self, index: int) -> int:
        """The usage of one element of a variable field, or of one value (counted from logical_min) of an array.

        A variable field with fewer usages than elements repeats the last; an array has no usage for such a value: 0.
        """
        for first, last in self.usages:
            if index <= last - first:
                return first + index
            index -= last - first + 1
        return self.usages[-1][1] if self.variable and self.usages else 0

    def has(self, usage: int) -> bool:
        """Whether an element stands for it, or (in an array) may name it; usages beyond the last element have none."""
        within = any(first <= usage <= last for first, last in self.usages)
        return within and (_place(self, usage) if self.variable else 0) < self.count

    def values(self, data: bytes) -> tuple[int, ...]:
        """All elements from a report's data (without its id); negative ones only if logical_min is."""
        bits = int.from_bytes(data, "little") >> self.bit_offset
        mask = (1 << self.bit_size) - 1
        raw = [bits >> (index * self.bit_size) & mask for index in range(self.count)]
        if self.logical_min >= 0:
            return tuple(raw)
        top = 1 << self.bit_size - 1
        return tuple((value ^ top) - top for value in raw)

    def put(self, data: bytearray, index: int, value: int) -> None:
        """Write one element into a report's data (without its id); ValueError if it does not fit."""
        low, size = (-(1 << self.bit_size - 1) if self.logical_min < 0 else 0), 1 << self.bit_size
        if not 0 <= index < self.count or not low <= value < low + size:
            raise ValueError(f"{value} does not fit into element {index} of {self.count} with {self.bit_size} bits")
        mask = (1 << self.bit_size) - 1
        at = self.bit_offset + index * self.bit_size
        bits = int.from_bytes(data, "little") & ~(mask << at) | (value & mask) << at
        data[:] = bits.to_bytes(len(data), "little")


@dataclass(frozen=True, slots=True)
class Report:
    """One report's values by usage."""

    report_id: int
    data: bytes
    fields: tuple[Field, ...]

    def values(self, usage: int, within: int = 0) -> tuple[int, ...]:
        """Every element of variable fields with this usage, in the report's order; () where the report has none."""
        return tuple(
            value
            for field in self._within(within)
            if field.variable and field.has(usage)
            for index, value in enumerate(field.values(self.data))
            if field.usage_at(index) == usage
        )

    def value(self, usage: int, within: int = 0) -> int | None:
        """The first of values(), or None."""
        return next(iter(self.values(usage, within)), None)

    def chosen(self, within: int = 0) -> tuple[int, ...]:
        """The usages that array fields stand at; elements out of range (HID: no control chosen) are left out."""
        return tuple(
            usage
            for field in self._within(within)
            if not field.variable
            for value in field.values(self.data)
            if field.logical_min <= value <= field.logical_max and (usage := field.usage_at(value - field.logical_min))
        )

    def _within(self, collection: int) -> Iterator[Field]:
        return (field for field in self.fields if not collection or collection in field.collections)


@dataclass(frozen=True, slots=True)
class Layout:
    """All fields of a descriptor, padding (constant ones) included.

    numbered: reports begin with their id. applications: usages of the application collections, in order.
    """

    fields: tuple[Field, ...]
    numbered: bool
    applications: tuple[int, ...]

    def of(self, kind: Kind, report_id: int) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.kind == kind and field.report_id == report_id)

    def size(self, kind: Kind, report_id: int) -> int:
        """Bytes of a report's data, without its id; 0 where there is no such report."""
        ends = [field.bit_offset + field.bit_size * field.count for field in self.of(kind, report_id)]
        return (max(ends, default=0) + 7) // 8

    def find(self, usage: int, kind: Kind | None = None, within: int = 0) -> Field | None:
        """The first field that has this usage (as a variable or as one of an array's), or None."""
        for one in self.fields:
            right_place = kind in (None, one.kind) and (not within or within in one.collections)
            if right_place and not one.constant and one.has(usage):
                return one
        return None

    def read(self, payload: bytes, kind: Kind = "input") -> Report | None:
        """A report as hidraw gives it: its id first where the device numbers them.

        None if there is no such report, or if it is shorter than described: half a weight is a wrong weight. A longer
        one is taken, for the kernel hands out whole transfer buffers.
        """
        if not payload:
            return None
        report_id, data = (payload[0], payload[1:]) if self.numbered else (0, payload)
        fields = self.of(kind, report_id)
        size = self.size(kind, report_id)
        if not fields or len(data) < size:
            return None
        return Report(report_id, data[:size], fields)

    def build(self, kind: Kind, report_id: int, values: Mapping[int, int | bytes]) -> bytes:
        """A report to send, its id first (0 where the device uses none), everything else zero.

        A value is an int for the first element with that usage, or bytes for one element each. In an array field the
        usage itself is chosen: its int must be 1.

        Raises:
            ValueError: the report has no such usage, or no room for the value.
        """
        data = bytearray(self.size(kind, report_id))
        for usage, value in values.items():
            home = next((f for f in self.of(kind, report_id) if not f.constant and f.has(usage)), None)
            if home is None:
                raise ValueError(f"{kind} report {report_id} has no usage {usage:#08x}")
            if not home.variable:
                home.put(data, 0, home.logical_min + _place(home, usage))
                continue
            places = [index for index in range(home.count) if home.usage_at(index) == usage]
            elements = list(value) if isinstance(value, bytes) else [value]
            if len(elements) > len(places):
                raise ValueError(f"{len(elements)} elements do not fit into {len(places)} of usage {usage:#08x}")
            for index, element in zip(places, elements, strict=False):
                home.put(data, index, element)
        return bytes([report_id]) + bytes(data)


def _place(field: Field, usage: int) -> int:
    """Where in an array's list of usages one stands."""
    before = 0
    for first, last in field.usages:
        if first <= usage <= last:
            return before + usage - first
        before += last - first + 1
    raise ValueError(f"no usage {usage:#08x}")


@dataclass(slots=True)
class _Globals:
    """What stays until it is said otherwise. Logical bounds as (unsigned, signed): which one is meant comes later."""

    page: int = 0
    low: tuple[int, int] = (0, 0)
    high: tuple[int, int] = (0, 0)
    exponent: int = 0
    unit: int = 0
    size: int = 0
    count: int = 0
    report_id: int = 0


@dataclass(slots=True)
class _State:
    current: _Globals = field(default_factory=_Globals)
    stack: list[_Globals] = field(default_factory=list)
    usages: list[tuple[int, int]] = field(default_factory=list)
    usage_min: int | None = None
    alternative: int = 0
    collections: list[tuple[int, int]] = field(default_factory=list)
    applications: list[int] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    used: dict[tuple[Kind, int], int] = field(default_factory=dict)
    numbered: bool = False


def parse(descriptor: bytes) -> Layout:
    """Read a report descriptor.

    Raises:
        BadDescriptor: it is cut off, nests wrongly, or describes more than a device can have.
    """
    if len(descriptor) > LONGEST_DESCRIPTOR:
        raise BadDescriptor(f"{len(descriptor)} bytes; the longest has {LONGEST_DESCRIPTOR}")
    state = _State()
    for place, kind, tag, raw in _items(descriptor):
        try:
            if kind == _MAIN:
                _main(state, tag, int.from_bytes(raw, "little"))
            elif kind == _GLOBAL:
                _global(state, tag, raw)
            elif kind == _LOCAL:
                _local(state, tag, raw)
        except BadDescriptor as problem:
            raise BadDescriptor(f"byte {place}: {problem}") from None
    if state.collections:
        raise BadDescriptor("a collection without its end")
    if not state.fields:
        raise BadDescriptor("no report in it")
    return Layout(tuple(state.fields), state.numbered, tuple(state.applications))


def _items(descriptor: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(place, type, tag, data) of each short item; long items, which nobody has defined, are passed over."""
    at = 0
    while at < len(descriptor):
        head = descriptor[at]
        if head == 0xFE:
            if at + 1 >= len(descriptor):
                raise BadDescriptor(f"byte {at}: a long item that is cut off")
            at += 3 + descriptor[at + 1]
            continue
        size = (0, 1, 2, 4)[head & 3]
        raw = descriptor[at + 1 : at + 1 + size]
        if len(raw) < size:
            raise BadDescriptor(f"byte {at}: an item that is cut off")
        yield at, head >> 2 & 3, head >> 4, raw
        at += 1 + size


def _main(state: _State, tag: int, flags: int) -> None:
    if tag == _COLLECTION:
        if len(state.collections) >= DEEPEST:
            raise BadDescriptor(f"more than {DEEPEST} collections inside each other")
        usage = _with_page(state)[0][0] if state.usages else 0
        state.collections.append((flags & 0xFF, usage))
        if flags & 0xFF == _APPLICATION:
            state.applications.append(usage)
    elif tag == _END_COLLECTION:
        if not state.collections:
            raise BadDescriptor("the end of a collection that never began")
        state.collections.pop()
    elif tag in _KINDS:
        _add_field(state, _KINDS[tag], flags)
    state.usages.clear()
    state.usage_min, state.alternative = None, 0


def _with_page(state: _State) -> list[tuple[int, int]]:
    """Usages of 1 and 2 bytes get the page that stands when the main item comes; those of 4 brought their own."""
    page = state.current.page << 16
    return [
        (first if first >> 16 else page | first, last if last >> 16 else page | last) for first, last in state.usages
    ]


def _add_field(state: _State, kind: Kind, flags: int) -> None:
    now = state.current
    offset = state.used.get((kind, now.report_id), 0)
    bits = now.size * now.count
    if now.size > 256 or offset + bits > MOST_BITS or len(state.fields) >= MOST_FIELDS:
        raise BadDescriptor(f"a field of {now.count} elements with {now.size} bits is more than a report can hold")
    state.used[kind, now.report_id] = offset + bits
    if not bits:
        return
    low = now.low[1]
    state.fields.append(
        Field(
            kind=kind,
            report_id=now.report_id,
            bit_offset=offset,
            bit_size=now.size,
            count=now.count,
            usages=tuple(_with_page(state)),
            logical_min=low,
            logical_max=now.high[1] if low < 0 else now.high[0],
            variable=bool(flags & 2),
            constant=bool(flags & 1),
            application=next((usage for kind_, usage in state.collections if kind_ == _APPLICATION), 0),
            collections=tuple(usage for _, usage in state.collections),
            unit=now.unit,
            unit_exponent=now.exponent,
        )
    )


def _global(state: _State, tag: int, raw: bytes) -> None:
    now = state.current
    value, signed = int.from_bytes(raw, "little"), int.from_bytes(raw, "little", signed=True)
    match tag:
        case 0x0:
            now.page = value
        case 0x1:
            now.low = (value, signed)
        case 0x2:
            now.high = (value, signed)
        case 0x5:
            now.exponent = (value ^ 8) - 8 if value < 16 else signed
        case 0x6:
            now.unit = value
        case 0x7:
            now.size = value
        case 0x8:
            if not 1 <= value <= 255:
                raise BadDescriptor(f"report id {value}; ids go from 1 to 255")
            now.report_id, state.numbered = value, True
        case 0x9:
            now.count = value
        case 0xA | 0xB:
            _push_or_pop(state, push=tag == 0xA)
        case _:
            pass  # physical bounds (3, 4) scale a value for games, which no device of a shop does


def _push_or_pop(state: _State, push: bool) -> None:
    if push and len(state.stack) < DEEPEST:
        state.stack.append(replace(state.current))
    elif not push and state.stack:
        state.current = state.stack.pop()
    else:
        raise BadDescriptor(f"states pushed and popped do not match, or more than {DEEPEST} were pushed")


def _local(state: _State, tag: int, raw: bytes) -> None:
    value = int.from_bytes(raw, "little")
    if tag == 0xA:
        # Delimiters bracket alternatives for one control, the preferred one first; the others are left out.
        state.alternative = 1 if value else 0
        return
    if tag not in (0, 1, 2) or state.alternative > 1:
        return  # designators and strings
    if tag == 1:
        state.usage_min = value
        return
    first, state.usage_min = (value if tag == 0 else state.usage_min), None
    if first is None or first > value or len(state.usages) >= MOST_FIELDS * 2:
        raise BadDescriptor("a range of usages that does not begin below its end, or too many usages for one field")
    state.usages.append((first, value))
    state.alternative *= 2
