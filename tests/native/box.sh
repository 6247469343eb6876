#!/usr/bin/env bash
# A stand-in for a sandbox, for whoever may make user namespaces: the files that
# a sandbox shows, and nothing else. Started by box.py under unshare(1), as the
# first process of its namespaces.
#
#   box.sh ROOT SOURCE:TARGET[:rw]... -- PROGRAM
set -eu
root=$1
shift
ip link set lo up 2>/dev/null || /usr/sbin/ip link set lo up
mount -t tmpfs -o mode=755 box "$root"
cd "$root"
mkdir usr proc dev tmp etc etc/alternatives
mount --rbind /usr usr
for name in bin lib lib64 sbin; do ln -s "usr/$name" "$name"; done
for name in null zero full random urandom; do
  : >"dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
ln -s /proc/self/fd dev/fd
# /usr/bin/cc is a link to there.
mount --bind /etc/alternatives etc/alternatives
mount -t proc proc proc
mount -t tmpfs -o mode=1777,nr_inodes=16k tmp tmp
echo 'sandbox:x:1000:1000::/tmp:/bin/sh' >etc/passwd
while [ "$1" != -- ]; do
  source=${1%%:*}
  target=${1#*:}
  mode=ro
  case $target in *:rw) target=${target%:rw} mode=rw ;; esac
  mkdir -p "./$target"
  mount --bind "$source" "./$target"
  mount -o "remount,bind,$mode,nosuid,nodev" "./$target"
  shift
done
mount -o remount,bind,ro "$root"
ulimit -n 256
exec chroot "$root" setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs "$2"
