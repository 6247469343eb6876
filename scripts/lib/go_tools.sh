# Go programs that only tests and images need, at the versions in tools/go.mod.
# shellcheck shell=bash

# ensure_go_tools: afterwards grpcurl is on the PATH.
ensure_go_tools() {
  mkdir -p "$root/build/tools/bin"
  (cd "$root/tools" && CGO_ENABLED=0 go build -o ../build/tools/bin/ \
    github.com/fullstorydev/grpcurl/cmd/grpcurl)
  export PATH=$root/build/tools/bin:$PATH
}
