# Sourced by scripts/demo and scripts/test: a virtual environment on any Debian, Pi OS or Ubuntu.

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

# A network that falters and a package index that is slow are tried again, not given up.
export PIP_RETRIES="${PIP_RETRIES:-10}" PIP_DEFAULT_TIMEOUT="${PIP_DEFAULT_TIMEOUT:-60}"

# A 32-bit Python also runs on a 64-bit kernel, which is what `uname -m` tells of; the size of a pointer is its own.
is_64_bit() { "$1" -c 'import struct, sys; sys.exit(struct.calcsize("P") != 8)' 2>/dev/null; }

die_of_32_bit() {
    die "$1 is a 32-bit Python (machine $(uname -m)): LiteRT, NumPy, OpenCV and msgspec have no wheels for it;" \
        "install a 64-bit system, on a Raspberry Pi the 64-bit Raspberry Pi OS"
}

# The Python to build on: $PYTHON, or the first of the supported versions on the PATH that is a 64-bit one.
find_python() {
    local candidate narrow=""
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            is_64_bit "$candidate" && command -v "$candidate" && return
            narrow=$candidate
        fi
    done
    [ -z "$narrow" ] || die_of_32_bit "$narrow"
    die "no Python 3.10 to 3.13 found; install one, or name it: PYTHON=/path/to/python3 ${0}"
}

# make_venv DIR: creates DIR unless it is there and works.
make_venv() {
    local python
    if [ -x "$1/bin/python" ] && "$1/bin/python" -m pip --version >/dev/null 2>&1; then
        is_64_bit "$1/bin/python" || die_of_32_bit "$1/bin/python"
        return
    fi
    python=$(find_python) || exit 2
    rm -rf "$1"
    "$python" -m venv "$1" || {
        rm -rf "$1"
        die "could not make a virtual environment with $python; on Debian and Ubuntu: sudo apt install python3-venv"
    }
}

# fix_opencv DIR: opencv-python needs the system's OpenGL library. Where that is missing (a server, a container),
# the same OpenCV without windows takes its place; Ferrule opens none.
fix_opencv() {
    "$1/bin/python" -c 'import cv2' 2>/dev/null && return
    local version
    version=$("$1/bin/python" -c 'from importlib.metadata import version; print(version("opencv-python"))') ||
        die "OpenCV is not installed in $1"
    say "this system has no OpenGL library: taking OpenCV $version without windows"
    "$1/bin/python" -m pip uninstall --quiet --yes opencv-python
    "$1/bin/python" -m pip install --quiet --force-reinstall --no-deps "opencv-python-headless==$version"
    "$1/bin/python" -c 'import cv2' || die "OpenCV does not load; on Debian and Ubuntu: sudo apt install libgl1 libglib2.0-0"
}
