#!/usr/bin/env bash
# Everything the two commands need: Debian packages by name, then a virtual environment from pinned, hashed requirements.
# With a word it also installs what more targets need: lab for `make device-lab`, deb for `make deb`, deb-test, and image for
# `make image` and `make image-test`.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else say "needs root to install ${missing[*]}: run 'apt-get install ${missing[*]}' as root, then this again" >&2; exit 1
  fi
}

missing=()
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null || missing+=(mosquitto)
command -v mosquitto_pub >/dev/null || missing+=(mosquitto-clients)
command -v chromium >/dev/null || missing+=(chromium)
command -v strace >/dev/null || missing+=(strace)
command -v faketime >/dev/null || missing+=(faketime)
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
ls /usr/share/fonts/opentype/noto/*CJK* >/dev/null 2>&1 || missing+=(fonts-noto-cjk)
ls /usr/lib/*/libusb-1.0.so.0 >/dev/null 2>&1 || missing+=(libusb-1.0-0)
command -v umockdev-run >/dev/null || missing+=(umockdev)
command -v npm >/dev/null || missing+=(nodejs npm)
command -v systemd-analyze >/dev/null || missing+=(systemd)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
command -v udevadm >/dev/null || missing+=(udev)
command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
command -v x86_64-linux-gnu-strip >/dev/null || missing+=(binutils-x86-64-linux-gnu)
if [ "${1:-}" = lab ]; then
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  command -v busybox >/dev/null || missing+=(busybox-static)
  command -v cpio >/dev/null || missing+=(cpio)
  command -v depmod >/dev/null || missing+=(kmod)
fi
if [[ "${1:-}" = deb* ]]; then
  command -v aarch64-linux-gnu-strip >/dev/null || missing+=(binutils-aarch64-linux-gnu)
fi
if [ "${1:-}" = deb-test ]; then
  command -v lintian >/dev/null || missing+=(lintian)
  command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static binfmt-support)
fi
if [ "${1:-}" = image ]; then
  command -v mkfs.erofs >/dev/null || missing+=(erofs-utils)
  command -v mkfs.vfat >/dev/null || missing+=(dosfstools)
  command -v mcopy >/dev/null || missing+=(mtools)
  command -v mke2fs >/dev/null || missing+=(e2fsprogs)
  command -v sfdisk >/dev/null || missing+=(fdisk)
  command -v zstd >/dev/null || missing+=(zstd)
  command -v depmod >/dev/null || missing+=(kmod)
  command -v arch-test >/dev/null || missing+=(arch-test)
  command -v update-binfmts >/dev/null || missing+=(binfmt-support)
  command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static)
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  command -v qemu-system-aarch64 >/dev/null || missing+=(qemu-system-arm)
  command -v socat >/dev/null || missing+=(socat)
  command -v ssh >/dev/null || missing+=(openssh-client)
  [ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || missing+=(ovmf)
  [ -e /usr/share/AAVMF/AAVMF_CODE.fd ] || missing+=(qemu-efi-aarch64)
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
fi
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  say "installing from Debian: ${missing[*]} (a minute or two)"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ "${1:-}" = image ] && ! arch-test arm64 >/dev/null 2>&1; then
  say "letting this machine run arm64 programs, by qemu-user"
  [ -e /proc/sys/fs/binfmt_misc/status ] || as_root mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || true
  as_root update-binfmts --enable qemu-aarch64 || say "it cannot: 'make image ARCH=arm64' will say so; ARCH=amd64 works"
fi

if [ -n "${1:-}" ] && [ -e .venv/.ready ]; then exit 0; fi
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
  say "making .venv with $(python3 --version)"
  python3 -m venv --clear .venv
fi
say "installing the pinned packages (a minute or two the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
say "installing what tests look at labels and pages with (npm)"
(cd tests/npm && npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts) \
  || say "npm did not work: the tests that render labels and look over the pages will be skipped"
touch .venv/.ready
say "ready"
