# buf, from npm, at the version that tools/package-lock.json pins.
# shellcheck shell=bash

# ensure_buf: afterwards `buf` is on the PATH.
ensure_buf() {
  local target=$root/build/tools
  if ! cmp -s "$root/tools/package-lock.json" "$target/installed.json"; then
    say "installing buf"
    mkdir -p "$target"
    cp "$root"/tools/package{,-lock}.json "$target/"
    npm ci --prefix "$target" --no-audit --no-fund --loglevel=error
    cp "$root/tools/package-lock.json" "$target/installed.json"
  fi
  PATH=$(echo "$target"/node_modules/@bufbuild/buf-linux-*/bin):$PATH
  export PATH
  type -P buf >/dev/null || die "npm did not install buf"
}
