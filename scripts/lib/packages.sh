# Debian packages, from the lists in deploy/packages.
# shellcheck shell=bash

# missing_packages LIST...: what the lists name and the machine lacks.
missing_packages() {
  local list package command search
  for list in "$@"; do
    search=$PATH
    if [[ $list == runtimes || $list == toolchains ]]; then search=$system_path; fi
    while read -r package command; do
      case $package in '' | '#'*) continue ;; esac
      if [[ $command == /* && -e $command ]]; then continue; fi
      if [[ -n $command ]] && (PATH=$search type -P "$command" >/dev/null); then
        continue
      fi
      if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
        echo "$package"
      fi
    done <"$root/deploy/packages/$list.txt"
  done
}

# ensure_packages LIST...: installs what is missing; a no-op when nothing is.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then return; fi
  type -P apt-get >/dev/null ||
    die "this is not Debian; please install the equivalents of: ${missing[*]}"
  is_root ||
    die "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}"

  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
  if [[ " ${missing[*]} " == *" supervisor "* ]]; then
    stop_global_supervisor
  fi
}

# Debian starts a machine-wide supervisord with the package; ours is our own.
stop_global_supervisor() {
  service supervisor stop >/dev/null 2>&1 || true
  update-rc.d supervisor disable >/dev/null 2>&1 || true
}
