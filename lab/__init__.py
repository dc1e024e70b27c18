"""`make device-lab`: our drivers over real kernel drivers, in a virtual machine that has the devices.

A small guest boots Debian's kernel under software emulation and shares this machine's file system read-only: so it runs
this very tree. QEMU plugs in a USB keyboard and a USB serial adapter, the guest makes a HID scale (uhid) and a USB
printer (dummy_hcd), and guest.py speaks to all of them through the gateway's own transports. It takes minutes, and is
no part of `make test`.
"""
