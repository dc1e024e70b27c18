"""Every exception of the gateway, in one tree.

BackroomError
├── ConfigError            the configuration says something that cannot be (names the file, the table and the key)
├── DeviceError            a device did not do what was asked
│   ├── DeviceRefused      the device answered, and said no; a person can mend it
│   ├── DeviceSilent       no answer in time; nothing may be assumed
│   └── DeviceGone         unplugged, switched off, or its port is taken
├── SaleRefused            the till will not do this now (names the field or the state)
│   └── NeedsAuthority     somebody else must allow it (names the role)
├── PairingRefused         a program of the shop cannot be paired so
├── QueueError             the durable queue
│   ├── QueueFull          no room for one more sale
│   ├── QueueDamaged       the money file does not open, or fails its check
│   ├── KeyReused          the same idempotency key came with other content
│   └── UnknownRecord      the core acknowledged what this outbox never wrote
└── FeedRefused            a page of master data does not fit what its head promised
"""

from __future__ import annotations


class BackroomError(Exception):
    """Base: catching it means "anything Backroom knows how to say"."""


class ConfigError(BackroomError):
    pass


class DeviceError(BackroomError):
    """`reason` is one machine word, `code` the UnifiedPOS error code.

    begun: the device may have done some of it (a receipt may be half printed); False: surely nothing was done.
    """

    def __init__(self, text: str, *, reason: str, code: int, begun: bool = False) -> None:
        super().__init__(text)
        self.reason = reason
        self.code = code
        self.begun = begun


class DeviceRefused(DeviceError):
    pass


class DeviceSilent(DeviceError):
    pass


class DeviceGone(DeviceError):
    pass


class SaleRefused(BackroomError):
    """`field` names what is wrong in a request; `reason` is one machine word for a program to act on."""

    def __init__(self, text: str, *, reason: str, field: str | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.field = field


class NeedsAuthority(SaleRefused):
    """role: the least role that may; where it is an operator's, his `authorisation` sent along with the same helps."""

    def __init__(self, text: str, *, reason: str = "needs_authority", role: str) -> None:
        super().__init__(text, reason=reason, field="authorisation")
        self.role = role


class PairingRefused(BackroomError):
    """`field` and `reason` as of SaleRefused."""

    def __init__(self, text: str, *, reason: str = "not_paired", field: str | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.field = field


class QueueError(BackroomError):
    pass


class QueueFull(QueueError):
    pass


class QueueDamaged(QueueError):
    pass


class KeyReused(QueueError):
    pass


class UnknownRecord(QueueError):
    pass


class FeedRefused(BackroomError):
    pass
