"""Whether a configuration could run, as far as that can be known without opening a device or a sale."""

from __future__ import annotations

import ssl

from gateway.app.counter import must_fit
from gateway.config import Config
from gateway.devices.manager import Manager
from gateway.drivers import load as load_driver
from gateway.errors import ConfigError


def check(config: Config) -> None:
    """Secrets can be read, drivers are known and take their options, each workstation's devices are of the right kind.

    Raises:
        ConfigError: the first that is not so.
    """
    config.check_secrets()
    check_tls(config)
    manager = Manager()
    for name, table in config.device.items():
        manager.add(name, load_driver(table.driver), table.url, table.options(name))
    must_fit(config)


def check_tls(config: Config) -> None:
    """Raises ConfigError where a certificate is none, or a key belongs to another one."""
    tls = config.mqtt.tls
    if tls is None:
        return
    try:
        context = ssl.create_default_context(cafile=str(tls.ca_file))
    except ssl.SSLError as error:
        raise ConfigError(f"[mqtt.tls] ca_file: {tls.ca_file} holds no certificate (PEM): {error.reason}") from error
    if tls.cert_file is None:
        return
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    except ssl.SSLError as error:
        text = (
            f"[mqtt.tls] cert_file: {tls.cert_file} and key_file do not belong together, or are no PEM: {error.reason}"
        )
        raise ConfigError(text) from error
