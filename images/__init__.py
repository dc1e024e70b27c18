"""The SD card's image from Debian packages, and the test that boots it.

packages.toml -> lock-<arch>.txt (lock, mirror) -> base tree (base) -> root tree (root) -> card (boot, initrd, card).
story/ boots the finished image in QEMU. `python -m images` says how each is started.
"""
