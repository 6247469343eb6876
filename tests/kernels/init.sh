#!/bin/bash
# First process of a user-mode Linux whose root is the host's, read-only. Lays out
# the control groups as the function named `layout` on the kernel's command line
# below does, runs the test program named `program`, and powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
cgroups=/sys/fs/cgroup

# What systemd makes: a group of one's own in the unified hierarchy.
unified() {
  mount -t cgroup2 none $cgroups
  mkdir $cgroups/service
  echo +memory +pids +cpu >$cgroups/cgroup.subtree_control
  echo $$ >$cgroups/service/cgroup.procs
  /run/program
}

legacy() {
  mount -t tmpfs none $cgroups
  local controllers
  for controllers in cpu,cpuacct memory pids freezer; do
    mkdir $cgroups/$controllers
    mount -t cgroup -o $controllers none $cgroups/$controllers
  done
  /run/program
}

mixed() {
  mount -t tmpfs none $cgroups
  mkdir $cgroups/memory $cgroups/unified
  mount -t cgroup -o memory none $cgroups/memory
  mount -t cgroup2 none $cgroups/unified
  /run/program
}

# A cgroup namespace of its own, the mount read-only, other processes about.
container() {
  mount -t cgroup2 none $cgroups
  mkdir $cgroups/container
  echo +memory +pids +cpu >$cgroups/cgroup.subtree_control
  echo $$ >$cgroups/container/cgroup.procs
  unshare --cgroup --mount bash -c "
    umount $cgroups
    mount -t cgroup2 none $cgroups
    mount -o remount,bind,ro $cgroups
    sleep 1000 &
    /run/program"
}

argument() { grep -o "$1=[^ ]*" /proc/cmdline | cut -d= -f2; }

mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /run
cp "$(argument program)" /run/program
mount -t tmpfs none /tmp
"$(argument layout)" 2>&1
echo "program ended with $?"
echo o >/proc/sysrq-trigger
sleep 60
