"""`make deb`: the Debian package of a box, for Debian 12 and 13, amd64 and arm64.

wheels.py fetches what requirements/box.txt pins, checked by hash, for the target's processor and Pythons; tree.py lays
out the files; archive.py makes one `.deb` of them, the same bytes each time. maintainer/ holds what dpkg runs on the
box, held.py the question that a purge asks first. For developers and CI; nothing here is installed but held.py, which
becomes a part of the package's postrm.
"""
