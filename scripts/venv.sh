# Sourced by scripts/demo and scripts/test: a virtual environment on any Debian, Pi OS or Ubuntu.

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

# The Python to build on: $PYTHON, or the first of the supported versions on the PATH.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "no Python 3.10 to 3.13 found; install one, or name it: PYTHON=/path/to/python3 ${0}"
}

# make_venv DIR: creates DIR unless it is there and works.
make_venv() {
    local python
    [ -x "$1/bin/python" ] && "$1/bin/python" -m pip --version >/dev/null 2>&1 && return
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
