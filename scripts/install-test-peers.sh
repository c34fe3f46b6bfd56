#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: the DICOM peers, text recognition, PostgreSQL and strace (Debian or Ubuntu packages), a pinned
# Python environment in .venv, and the cargo tools. Quick and silent when all is there; safe to run twice.
set -euo pipefail
cd "$(dirname "$0")/.."

PACKAGES=(openssl dcmtk orthanc orthanc-dicomweb dicom3tools libgdcm-tools tesseract-ocr tesseract-ocr-fra poppler-utils
    fonts-dejavu-core strace faketime postgresql)
NEXTEST_MIN=0.9.100 NEXTEST=0.9.143
DENY_MIN=0.18.0 DENY=0.20.2

say() { printf '%s\n' "install-test-peers: $*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# The packages' own daemons must not run beside the tests: they are neither started now nor at the next boot.
without_services() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then "$@"; return; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap "as_root rm -f $policy" EXIT
    "$@"
    as_root rm -f "$policy"
    trap - EXIT
}

install_packages() {
    local missing=() package
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    without_services as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    if [ -d /run/systemd/system ]; then
        for package in "${missing[@]}"; do
            case $package in
                orthanc | postgresql) as_root systemctl disable --now "$package" 2>/dev/null || true ;;
            esac
        done
    fi
}

install_python() {
    local wanted=scripts/requirements.txt done=.venv/requirements.txt
    cmp -s "$wanted" "$done" && .venv/bin/python -c 'import pydicom' 2>/dev/null && return
    say "building .venv"
    python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$done"
}

# tool, least version, version to install, further options
install_cargo_tool() {
    local tool=$1 least=$2 version=$3 have
    shift 3
    have=$("$tool" --version 2>/dev/null | awk 'NR == 1 { print $2 }' || true)
    [ -n "$have" ] && at_least "$have" "$least" && return
    say "installing $tool $version (a few minutes)"
    cargo install --quiet --locked "$@" "$tool@$version"
}

export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
install_packages
install_python
install_cargo_tool cargo-nextest "$NEXTEST_MIN" "$NEXTEST"
# Unoptimised: it runs for seconds, its optimised build takes ten minutes.
install_cargo_tool cargo-deny "$DENY_MIN" "$DENY" --debug
