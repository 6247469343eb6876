// Changes what is mounted, with the programs that every Linux has for it.
function attempts() {
  fs.mkdirSync("/tmp/target", { recursive: true });
  return {
    "mount tmpfs": () => run("mount", "-t", "tmpfs", "none", "/tmp/target"),
    "mount proc": () => run("mount", "-t", "proc", "none", "/tmp/target"),
    "bind the root": () => run("mount", "--bind", "/", "/tmp/target"),
    "remount the root writable": () => run("mount", "-o", "remount,bind,rw", "/"),
    "remount the code writable": () => run("mount", "-o", "remount,bind,rw", "/var/task"),
    "unmount proc": () => run("umount", "-l", "/proc"),
    "unmount the code": () => run("umount", "-l", "/var/task"),
    "chroot": () => run("chroot", "/tmp", "true"),
    "pivot_root": () => run("pivot_root", "/tmp", "/tmp/target"),
    "mount in a namespace of its own": () => run("unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/tmp/target"),
  };
}
