# Building what runs.
# shellcheck shell=bash

services=(registry pool router scaler launcher)

# One cache for all checkouts of the project.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=true

# build_services: the C++ services into build/release/bin, and what sandboxes find in
# /opt/so into build/release/runtime; without their tests.
build_services() {
  [[ -f $root/build/release/build.ninja ]] || (cd "$root" && cmake --preset release)
  (cd "$root" && cmake --build --preset release --target "${services[@]/#/so-}" runtime_programs)
}

build_gateway() {
  (cd "$root/gateway" && go build -o ../build/bin/so-gateway ./cmd/gateway)
}

# Without a word when all goes well: what is printed is the table.
build_replay() {
  local log
  log=$( (
    cd "$root"
    [[ -f build/release/build.ninja ]] || cmake --preset release
    cmake --build --preset release --target so-replay
  ) 2>&1) || {
    printf '%s\n' "$log" >&2
    die "so-replay cannot be built"
  }
}
