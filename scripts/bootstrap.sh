#!/bin/sh
# Make .venv ready: create it, install the locked requirements, add the `backoffice` command.
# Instant when nothing changed; safe to interrupt and to run twice at once. Needs Python >= 3.11 and nothing else.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd -P)
lock_file=requirements-dev.txt
stamp=.venv/.ready

say() { printf '%s\n' "$*" >&2; }
fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# A venv's programs hold absolute paths, so a moved or copied tree must be set up anew: the path is in the key.
key=$( (cat "$lock_file" "$0"; printf '%s\n' "$root") | cksum)
ready() { [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; }
if ready; then exit 0; fi

mkdir -p .venv
if command -v flock >/dev/null 2>&1; then
    exec 9>.venv/.lock
    flock 9
    if ready; then exit 0; fi
fi

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" && { printf '%s' "$PYTHON"; return; }
        say "PYTHON=$PYTHON is not a Python of version 3.11 or newer."
        return 1
    fi
    for name in python3.11 python3 python3.14 python3.13 python3.12; do
        if fits "$name"; then printf '%s' "$name"; return; fi
    done
    say "Backoffice needs Python 3.11 or newer. Install it (Debian 12: apt install python3), or name it: make setup PYTHON=/path/to/python3"
    return 1
}

# Debian's python3 comes without ensurepip, which creating a venv needs.
ensure_venv_module() {
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then return; fi
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing python$version-venv with apt-get..."
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update </dev/null >&2
        apt-get -qq install -y "python$version-venv" </dev/null >&2 ||
            apt-get -qq install -y python3-venv </dev/null >&2
        if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then return; fi
    fi
    say "Python's venv module is missing. Install it as root (Debian, Ubuntu: apt install python$version-venv) and try again."
    return 1
}

if ! { fits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 &&
    grep -qF "$root/.venv/bin/" .venv/bin/pip 2>/dev/null; }; then
    python=$(find_python)
    ensure_venv_module "$python"
    say "Creating .venv with $("$python" --version)..."
    # The lock lives in .venv, so empty the folder's contents instead of the folder.
    find .venv -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
    "$python" -m venv .venv
fi

say "Installing $lock_file into .venv..."
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 \
    .venv/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r "$lock_file" </dev/null

# The command runs from the source tree, as an editable install would, without needing a build tool.
cat >.venv/bin/backoffice.new <<LAUNCHER
#!/bin/sh
PYTHONPATH='$root'\${PYTHONPATH:+:\$PYTHONPATH} exec '$root/.venv/bin/python' -P -c \\
    "from deploy.__main__ import main; main()" "\$@"
LAUNCHER
chmod +x .venv/bin/backoffice.new
mv .venv/bin/backoffice.new .venv/bin/backoffice
printf '%s\n' "$key" >"$stamp"
