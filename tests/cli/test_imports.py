"""What the daemon carries: a box of 1 GiB runs it for months, so nothing comes in by accident."""

from __future__ import annotations

from pathlib import Path

from bench import modules

CONFIG = """
[gateway]
id = "S0421-1"
store_id = "S0421"
currency = "EUR"
data_dir = "data"

[mqtt]
host = "127.0.0.1"
port = 1

[api]
port = 0

[barcode]
country = "DE"

[workstation.1]
scanners = ["scanner-1"]
scale = "scale-1"
printer = "printer-1"
drawer = "drawer-1"

[device.scanner-1]
driver = "scanner-line"
url = "serial:///nowhere/scanner"

[device.scale-1]
driver = "scale-toledo-8217"
url = "serial:///nowhere/scale"

[device.printer-1]
driver = "printer-escpos"
url = "tcp://127.0.0.1:1"

[device.drawer-1]
driver = "drawer-kick"
url = "via://printer-1"
"""

#: package -> who needs it; the printing library comes with the first sale only, and is not here
MAY_BE_THERE = {
    "annotated_types": "pydantic",
    "anyio": "starlette",
    "babel": "money as the cashier reads it",
    "biip": "bar codes",
    "click": "uvicorn",
    "h11": "uvicorn",
    "jinja2": "the pages",
    "markupsafe": "jinja2",
    "paho": "the link",
    "pydantic": "configuration, API, wire",
    "pydantic_core": "pydantic",
    "python_multipart": "starlette",
    "serial": "devices on serial lines",
    "starlette": "the API",
    "typing_extensions": "pydantic",
    "typing_inspection": "pydantic",
    "ulid": "epochs",
    "uuid6": "idempotency keys",
    "uvicorn": "the API",
    "zstandard": "the wire",
    "_distutils_hack": "a .pth file of setuptools, where that is installed",
}


def test_the_daemon_imports_only_what_it_needs(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG)
    loaded = modules.of_daemon(config, tmp_path)
    assert "gateway.drivers.printer.escpos" in loaded
    assert "gateway.api.pages" in loaded
    strangers = {name: count for name, count in modules.third_party(loaded).items() if name not in MAY_BE_THERE}
    assert strangers == {}, "the daemon imports more than it did: import it where it is used, or add it to the list"
    assert not any(name.partition(".")[0] == "cloud_erp" for name in loaded)
