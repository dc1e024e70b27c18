"""Classes, power and error codes in the words of UnifiedPOS 1.16.

Source: UnifiedPOS Retail Peripheral Architecture 1.16 (OMG retail/23-05-01), chapter 1, "Errors", "Device Power
Reporting Model". UnifiedPOS has no class for payment terminals nor for label printers: those two names are ours.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class DeviceClass(StrEnum):
    SCANNER = "scanner"
    SCALE = "scale"
    POS_PRINTER = "pos-printer"
    CASH_DRAWER = "cash-drawer"
    LINE_DISPLAY = "line-display"
    PAYMENT_TERMINAL = "payment-terminal"
    LABEL_PRINTER = "label-printer"


class Power(StrEnum):
    """UnifiedPOS PowerState: `offline` answers but is not usable (cover open), `off` does not answer."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    OFF = "off"


class ErrorCode(IntEnum):
    """UnifiedPOS error codes, as they leave over the local API."""

    CLOSED = 101
    CLAIMED = 102
    NOTCLAIMED = 103
    NOSERVICE = 104
    DISABLED = 105
    ILLEGAL = 106
    NOHARDWARE = 107
    OFFLINE = 108
    NOEXIST = 109
    EXISTS = 110
    FAILURE = 111
    TIMEOUT = 112
    BUSY = 113
    EXTENDED = 114
