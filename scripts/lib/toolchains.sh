# What functions are built with. Needs $directory, where it goes.
# shellcheck shell=bash

rust_minimum=1.85

# ensure_toolchain go|rust: afterwards $directory/NAME is there and current.
ensure_toolchain() {
  local name=$1 stamp work
  "find_$name"
  stamp=$("stamp_$name")
  if [[ $(cat "$directory/$name/stamp" 2>/dev/null) == "$stamp" ]]; then return; fi

  say "preparing the $name toolchain (some minutes the first time)"
  work=$directory/.$name.new
  remove_tree "$work"
  mkdir -p "$work"
  "make_$name" "$work"
  echo "$stamp" >"$work/stamp"
  chmod -R go+rX-w "$work"
  remove_tree "$directory/$name"
  mv "$work" "$directory/$name"
}

remove_tree() {
  if [[ -e $1 ]]; then chmod -R u+w "$1" && rm -rf "$1"; fi
}

# checksum PATH...: of what these files and folders hold.
checksum() {
  (cd "$root" && find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

# ---- go ---------------------------------------------------------------------

find_go() { ensure_go; }

stamp_go() {
  (cd / && GOTOOLCHAIN=local go version)
  checksum runtimes/go/{builder,function} scripts/lib/toolchains.sh
}

make_go() {
  local work=$1
  copy_goroot "$work/goroot"
  export GOENV=off GOFLAGS=-modcacherw GOTOOLCHAIN=local CGO_ENABLED=0
  (cd "$root/runtimes/go/function" && GOMODCACHE=$work/mod go mod download)
  find "$work/mod/cache/download" -name '*.zip' -delete
  (cd "$root/runtimes/go/builder" && go build -trimpath -ldflags='-s -w' -o "$work/bin/so-go-build" .)
  mkdir "$work/function" "$work/cache"
  cp "$root"/runtimes/go/function/go.{mod,sum} "$work/function/"
  # Compiles the standard library and aws-lambda-go into the cache.
  (cd "$root/runtimes/go/function" &&
    "$work/bin/so-go-build" -toolchain "$work" -cache "$work/cache" -output "$work" Handler)
  rm "$work/bootstrap"
}

# copy_goroot DIR: what compiling needs of the toolchain on the PATH.
copy_goroot() {
  local from
  from=$(cd / && GOTOOLCHAIN=local go env GOROOT)
  mkdir -p "$1/pkg"
  cp -R --reflink=auto "$from"/{VERSION,bin,lib,src} "$1/"
  if [[ -e $from/go.env ]]; then cp "$from/go.env" "$1/"; fi
  cp -R --reflink=auto "$from"/pkg/{include,tool} "$1/pkg/"
  rm -rf "$1/src/cmd"
  find "$1/src" -depth \( -name testdata -o -name '*_test.go' \) -exec rm -rf {} +
}

# ---- rust -------------------------------------------------------------------

# The compiler must be where sandboxes see it, in /usr.
find_rust() {
  local found
  ensure_packages toolchains
  rustc=$(PATH=$system_path type -P rustc) || die "there is no rustc in $system_path"
  cargo=$(PATH=$system_path type -P cargo) || die "there is no cargo in $system_path"
  found=$("$rustc" --version | awk '{ print $2 }')
  [[ $(printf '%s\n' "$rust_minimum" "$found" | sort -V | head -n 1) == "$rust_minimum" ]] ||
    die "$rustc is $found, functions need $rust_minimum; on Debian 12, as root: apt-get install rustc-web cargo-web"
}

stamp_rust() {
  "$rustc" -vV
  checksum runtimes/rust/{builder,crates,shim} scripts/lib/toolchains.sh
}

make_rust() {
  local work=$1
  mkdir "$work/bin" "$work/crates"
  "$rustc" --edition 2021 -O -C strip=symbols -o "$work/bin/so-rust-build" "$root/runtimes/rust/builder/main.rs"
  mkdir -p "$cache_dir/cargo"
  CARGO_HOME=$cache_dir/cargo RUSTC=$rustc "$cargo" build --release --locked --quiet \
    --manifest-path "$root/runtimes/rust/crates/Cargo.toml" --target-dir "$work/target"
  cp "$work"/target/release/deps/*.{rlib,so} "$work/crates/"
  rm -rf "$work/target"
}
