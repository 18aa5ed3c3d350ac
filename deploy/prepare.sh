#!/bin/sh
# Makes a checkout ready: a virtual environment, the operating system's packages, the BPF objects.
# Usage: deploy/prepare.sh demo|test. What cannot be had is named in a sentence, and the rest goes on.
set -eu
cd "$(dirname "$0")/.."
purpose=$1
missing=""

wants() { # wants PACKAGE TEST...: note the package when the test fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

python=""
for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "tracetide needs Python 3.11 or newer, and none is on the PATH." >&2
    exit 1
fi

wants python3-venv "$python" -c 'import ensurepip, venv'
wants libbpf1 sh -c 'ldconfig -p | grep -q libbpf.so.1'
wants clang command -v clang
wants libbpf-dev test -e /usr/include/bpf/bpf_helpers.h
wants runc command -v runc
wants busybox-static sh -c 'busybox --help && ! ldd "$(command -v busybox)"'
if [ "$purpose" = test ]; then
    wants default-jdk-headless command -v javac
    wants maven command -v mvn
    wants gcc command -v gcc
    wants iproute2 command -v ip
    wants util-linux command -v setpriv
    wants rsyslog command -v rsyslogd
    wants rsyslog-openssl sh -c 'ls /usr/lib/*/rsyslog/lmnsd_ossl.so'
    wants docker.io command -v dockerd
    wants podman command -v podman
    wants containerd command -v containerd
    wants etcd-server command -v etcd
    wants qemu-system-x86 command -v qemu-system-x86_64
    wants chromium command -v chromium
    wants python3-bpfcc test -e /usr/lib/python3/dist-packages/bcc
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing$missing"
        apt-get update -qq
        # shellcheck disable=SC2086 # a list of packages
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
    else
        echo "Not installed, and only root on Debian or Ubuntu can have it done here:$missing" >&2
    fi
fi

if [ ! -x .venv/bin/python ]; then
    "$python" -m venv .venv
fi
stamp=.venv/ready-$purpose
versions=deploy/constraints.txt
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ $versions -nt "$stamp" ]; then
    echo "Installing Python packages"
    .venv/bin/pip install -q --disable-pip-version-check --upgrade "pip>=25.1"
    if [ "$purpose" = test ]; then
        .venv/bin/pip install -q --disable-pip-version-check -c $versions --group dev -e .
    else
        .venv/bin/pip install -q --disable-pip-version-check -c $versions -e .
    fi
    touch "$stamp"
fi

if command -v clang >/dev/null && [ -e /usr/include/bpf/bpf_helpers.h ]; then
    .venv/bin/python -m bpf.build
fi
