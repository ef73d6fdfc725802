#!/bin/bash
# Makes this machine ready for `make demo`, `make test` and the rest, and does only what is missing:
# system packages (by apt, as root), uv in .tools/, the Python environment in .venv/, an Asterisk in the cache folder.
set -euo pipefail
cd "$(dirname "$0")"

purpose=${1:-} # `tests`: what these need, too
UV_VERSION=0.13.9

fail() {
    echo "install: $*" >&2
    exit 1
}

# The oldest Python that we run on is 3.11; a later one may have a name of its own only.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$name"
            return
        fi
    done
}

missing_packages() {
    [ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    command -v sox >/dev/null || echo sox
    command -v espeak-ng >/dev/null || echo espeak-ng
    command -v dot >/dev/null || echo graphviz
    command -v text2wave >/dev/null || echo festival
    [ -d /usr/share/festival/voices/italian/pc_diphone ] || echo festvox-itapc16k
    [ "$purpose" != tests ] || command -v baresip >/dev/null || echo baresip-core # a phone that others have made
    [ "$purpose" != tests ] || [ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || echo postgresql
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    has_asterisk || command -v mmdebstrap >/dev/null || echo mmdebstrap debian-archive-keyring
}

# Whether no Asterisk has to be made: the cache folder is that of asterisk/installer.py.
has_asterisk() {
    local cache=${CENTRALINO_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/centralino}
    [ "$(id -u)" = 0 ] && cache=${CENTRALINO_CACHE:-/var/cache/centralino}
    [ -d "$cache/asterisk-sid" ]
}

install_packages() {
    local packages=$1
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "these packages are missing: $packages
  On Debian or Ubuntu, as root:  apt-get install --no-install-recommends $packages"
    fi
    echo "Installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update >/dev/null || true # one broken source of many must not stop us
    case " $packages " in *" postgresql "*) # its programs, and no server beside those that tests start themselves
        [ -e /etc/postgresql-common/createcluster.conf ] || {
            mkdir -p /etc/postgresql-common
            echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
        } ;;
    esac
    # shellcheck disable=SC2086 # one word a package
    apt-get -q -y install --no-install-recommends $packages >/dev/null || fail "apt-get could not install $packages"
}

install_uv() {
    [ "$(.tools/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ] && return
    echo "Installing uv $UV_VERSION"
    "$python" -m venv --clear .tools
    .tools/bin/python -m pip --quiet --disable-pip-version-check install "uv==$UV_VERSION"
}

python=$(find_python)
if [ -z "$python" ] && command -v python3 >/dev/null; then
    fail "Python 3.11 or later is needed; this is $(python3 --version). Debian 12 and 13 have it as package python3."
fi
packages=$(missing_packages | tr '\n' ' ')
if [ -n "$packages" ]; then
    install_packages "${packages% }"
    python=$(find_python)
    [ -n "$python" ] || fail "Python 3.11 or later is needed, and apt has none. Debian 12 and 13 have it."
fi
install_uv
# why not each time: uv compiles all again, which takes up to half a minute
cmp -s uv.lock .venv/compiled-for.lock && compile= || compile=--compile-bytecode
# shellcheck disable=SC2086 # no word where nothing is compiled
.tools/bin/uv sync --quiet --frozen $compile --python "$python" || fail "the Python environment could not be made from uv.lock"
cp uv.lock .venv/compiled-for.lock
.venv/bin/python -m asterisk.installer >/dev/null || exit 1
