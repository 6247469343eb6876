# The Go toolchain: the one on the PATH when it is new enough, else our own.
# shellcheck shell=bash

go_version=1.26.8
# SHA-256 of the module zip per architecture; its contents were compared with
# the checksum database (sum.golang.org) when the version was chosen.
declare -A go_zip_sha256=(
  [amd64]=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7
  [arm64]=02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99
)

# ensure_go: afterwards `go` is on the PATH and builds the gateway.
ensure_go() {
  local needed found
  needed=$(awk '$1 == "go" { print $2 }' "$root/gateway/go.mod")
  if type -P go >/dev/null; then
    found=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
    found=${found#go}
    if [[ $(printf '%s\n' "$needed" "$found" | sort -V | head -n 1) == "$needed" ]]; then
      return
    fi
  fi
  [[ -x $cache_dir/go$go_version/bin/go ]] || install_go "$cache_dir/go$go_version"
  export PATH=$cache_dir/go$go_version/bin:$PATH
}

# install_go DIR: downloads the pinned toolchain into DIR.
install_go() {
  local target=$1 arch proxy name work
  case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
    *) echo "error: no pinned Go toolchain for $(uname -m); please install Go $go_version" >&2 && return 1 ;;
  esac
  proxy=${GOPROXY:-https://proxy.golang.org}
  proxy=${proxy%%[,|]*}
  [[ $proxy == http* ]] || proxy=https://proxy.golang.org
  name=golang.org/toolchain@v0.0.1-go$go_version.linux-$arch

  echo "==> downloading Go $go_version"
  mkdir -p "$(dirname "$target")"
  work=$(mktemp -d "$(dirname "$target")/go-download.XXXXXX")
  curl -fsSL --retry 3 -o "$work/go.zip" "${proxy%/}/${name/@/\/@v\/}.zip"
  echo "${go_zip_sha256[$arch]}  $work/go.zip" | sha256sum -c --quiet
  unzip -q "$work/go.zip" -d "$work"
  # Module zips keep neither executable bits nor nested go.mod files.
  chmod +x "$work/$name"/bin/* "$work/$name"/pkg/tool/*/*
  find "$work/$name" -name _go.mod -execdir cp {} go.mod \;
  rm -rf "$target"
  mv "$work/$name" "$target"
  rm -rf "$work"
}
