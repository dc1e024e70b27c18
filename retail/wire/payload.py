"""Payload bytes: JSON, zstd-compressed over 1 KiB; compressed ones show themselves by the zstd magic, others by `{`."""

from __future__ import annotations

import zstandard

from retail.sale import Shape

COMPRESS_OVER_BYTES = 1024
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: what one message may unpack to; a batch is at most 256 KiB, or one large record
MOST_BYTES = 8 * 1024 * 1024


class PayloadError(ValueError):
    """These bytes are neither JSON nor zstd of a bearable size."""


def pack(message: Shape | bytes) -> bytes:
    """The bytes to publish for a message, or for JSON that was built already."""
    plain = message if isinstance(message, bytes) else message.model_dump_json().encode()
    if len(plain) <= COMPRESS_OVER_BYTES:
        return plain
    return zstandard.ZstdCompressor(level=3).compress(plain)


def unpack(payload: bytes) -> bytes:
    """The JSON inside a payload.

    Raises:
        PayloadError: damaged, or larger than MOST_BYTES when unpacked.
    """
    if not payload.startswith(ZSTD_MAGIC):
        return payload
    try:
        declared = zstandard.frame_content_size(payload)
        if declared > MOST_BYTES:
            raise PayloadError(f"payload would unpack to {declared} bytes; at most {MOST_BYTES} are taken")
        return zstandard.ZstdDecompressor().decompress(payload, max_output_size=MOST_BYTES)
    except zstandard.ZstdError as error:
        raise PayloadError(f"payload is damaged zstd: {error}") from error
