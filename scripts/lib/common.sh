# Shared by the scripts: where things are, and how they speak.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/serverless-orchestrator

# Where to look for what functions run on and are built with. Not the PATH: that
# happens as another user, who cannot enter a home directory.
system_path=/usr/local/bin:/usr/bin:/bin

say() { printf '==> %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

is_root() { [[ $(id -u) -eq 0 ]]; }
