# The running platform: six processes under a supervisord of our own.
# shellcheck shell=bash

state_dir=$(realpath -m "${SO_STATE_DIR:-$root/var}")
supervisor_conf=$root/deploy/supervisor/supervisord.conf

# What deploy/supervisor/supervisord.conf reads.
export SO_ROOT=$root
export SO_STATE_DIR=$state_dir
export SO_REGISTRY_ADDRESS=${SO_REGISTRY_ADDRESS:-127.0.0.1:7001}
export SO_POOL_ADDRESS=${SO_POOL_ADDRESS:-127.0.0.1:7002}
export SO_ROUTER_ADDRESS=${SO_ROUTER_ADDRESS:-127.0.0.1:7003}
export SO_SCALER_ADDRESS=${SO_SCALER_ADDRESS:-127.0.0.1:7004}
# Where the services find each other: Unix sockets without files, one per address.
export SO_REGISTRY_SOCKET=unix-abstract:so-$SO_REGISTRY_ADDRESS
export SO_POOL_SOCKET=unix-abstract:so-$SO_POOL_ADDRESS
export SO_ROUTER_SOCKET=unix-abstract:so-$SO_ROUTER_ADDRESS
export SO_SCALER_SOCKET=unix-abstract:so-$SO_SCALER_ADDRESS
export SO_POOL_DIR=$state_dir/pool
export SO_POOL_PROGRAM=$root/build/release/bin/so-pool
export SO_RUNTIMES_DIR=$root/runtimes
export SO_TOOLCHAINS_DIR=$root/var/toolchains
export SO_LAUNCHER_SOCKET=$state_dir/launcher.sock
# An ordinary user without a name; sandboxes take ids from 2000000 on.
export SO_POOL_UID=${SO_POOL_UID:-1999999}
# Platforms on one machine must not sweep each other's sandboxes.
SO_CGROUP_BASE=serverless-orchestrator-$(cksum <<<"$state_dir" | cut -d ' ' -f 1)
export SO_CGROUP_BASE
export SO_REGISTRY_FLAGS=${SO_REGISTRY_FLAGS-} SO_POOL_FLAGS=${SO_POOL_FLAGS-}
export SO_ROUTER_FLAGS=${SO_ROUTER_FLAGS-} SO_SCALER_FLAGS=${SO_SCALER_FLAGS-}
export SO_GATEWAY_FLAGS=${SO_GATEWAY_FLAGS-}
export PORT=${PORT:-3001}
export GRPC_PORT=${GRPC_PORT:-50051}

supervisor_pid() { supervisorctl -c "$supervisor_conf" pid 2>/dev/null | grep -x '[0-9]*'; }

is_running() { supervisor_pid >/dev/null; }

# lock_state: up and down of one state directory take turns.
lock_state() {
  mkdir -p "$state_dir/log"
  exec 9>"$state_dir/lock"
  flock 9
}

# place_pool: the pool is an ordinary user, who must get at its program, its files, the
# runtimes' descriptors and the launcher's socket. Below a home directory he cannot, so
# then they move to /var/lib.
place_pool() {
  if ! (pool_can -x "$state_dir" && pool_can -r "$root/runtimes" && pool_can -x "$SO_POOL_PROGRAM"); then
    local base=/var/lib/serverless-orchestrator/${SO_CGROUP_BASE##*-}
    install -d -m 0755 /var/lib/serverless-orchestrator "$base"
    rm -rf "$base/runtimes"
    cp -R "$root/runtimes" "$base/runtimes"
    chmod -R go+rX "$base/runtimes"
    install -m 0755 "$SO_POOL_PROGRAM" "$base/so-pool"
    SO_POOL_DIR=$base/pool
    SO_RUNTIMES_DIR=$base/runtimes
    SO_LAUNCHER_SOCKET=$base/launcher.sock
    SO_POOL_PROGRAM=$base/so-pool
  fi
  install -d -m 0755 "$SO_POOL_DIR"
  chown -R "$SO_POOL_UID:$SO_POOL_UID" "$SO_POOL_DIR"
}

# pool_can -r|-x PATH
pool_can() { setpriv --reuid="$SO_POOL_UID" --regid="$SO_POOL_UID" --clear-groups test "$1" "$2"; }

start_supervisor() {
  local address
  is_root || die "so-launcher needs root to make sandboxes: run scripts/up as root, or with sudo"
  # The limit of a Unix socket's path, less the suffix supervisord adds.
  if ((${#state_dir} > 80)); then die "$state_dir is too long a path; set SO_STATE_DIR"; fi
  for address in "127.0.0.1:$PORT" "127.0.0.1:$GRPC_PORT" "$SO_REGISTRY_ADDRESS" \
    "$SO_POOL_ADDRESS" "$SO_ROUTER_ADDRESS" "$SO_SCALER_ADDRESS"; do
    if (: <"/dev/tcp/${address/://}") 2>/dev/null; then
      die "$address is taken; set PORT, GRPC_PORT or SO_<SERVICE>_ADDRESS"
    fi
  done
  place_pool
  supervisord -c "$supervisor_conf" 9>&-
}

# stop_supervisor: SIGTERM to one process after the other, until all are gone.
stop_supervisor() {
  local pid
  pid=$(supervisor_pid) || return 0
  say "stopping; calls in flight may take up to half a minute to end"
  supervisorctl -c "$supervisor_conf" shutdown >/dev/null
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

# fingerprint: changes whenever the running processes would have to be replaced.
fingerprint() {
  {
    echo "$root $PORT $GRPC_PORT $SO_REGISTRY_ADDRESS $SO_POOL_ADDRESS $SO_ROUTER_ADDRESS $SO_SCALER_ADDRESS"
    echo "$SO_REGISTRY_FLAGS $SO_POOL_FLAGS $SO_ROUTER_FLAGS $SO_SCALER_FLAGS $SO_GATEWAY_FLAGS"
    cd "$root" || exit
    find runtimes build/bin/so-gateway build/release/bin/so-* build/release/runtime "$supervisor_conf" -type f -print0 |
      sort -z | xargs -0 sha256sum
  } | sha256sum
}

# wait_until_healthy SECONDS: polls the gateway, which asks the others.
wait_until_healthy() {
  local deadline=$((SECONDS + $1)) answer last=
  until answer=$(curl -s -m 5 "http://127.0.0.1:$PORT/health" || echo "the gateway does not answer yet") &&
    [[ $answer =~ \"status\":\ *\"ok\" ]]; do
    if ((SECONDS >= deadline)); then return 1; fi
    if [[ $answer != "$last" ]]; then say "waiting: $answer"; fi
    last=$answer
    sleep 0.2
  done
}
