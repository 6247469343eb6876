// Reads and writes what belongs to the host, the platform, or other functions.
const READ = ["/etc/shadow", "/etc/machine-id", "/etc/fstab", "/root/.bashrc", "/proc/kcore", "/proc/kallsyms",
  "/proc/kmsg", "/proc/keys", "/proc/cmdline", "/proc/sysrq-trigger", "/proc/1/root/root/.bashrc",
  "/proc/self/cwd/../../../etc/shadow", "/sys/kernel/uevent_seqnum", "/dev/mem", "/dev/kmsg", "/dev/kvm",
  "/dev/sda", "/dev/tty"];
const LIST = ["/root", "/home", "/boot", "/run", "/srv", "/mnt", "/sys", "/var/lib", "/var/log"];
const WRITE = ["/hostile", "/usr/hostile", "/usr/bin/env", "/etc/hostile", "/etc/passwd", "/etc/ld.so.preload",
  "/dev/hostile", "/var/task/hostile", "/var/runtime/hostile", "/opt/so/hostile", "/proc/self/oom_score_adj",
  "/proc/self/mem", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern"];

function attempts(event) {
  const all = {};
  for (const path of [...READ, ...event.paths]) all[`read ${path}`] = () => read(path);
  for (const path of [...LIST, ...event.directories]) all[`list ${path}`] = () => noneOf(fs.readdirSync(path));
  for (const path of [...WRITE, ...event.paths]) all[`write ${path}`] = () => write(path);
  all["unlink the code"] = () => fs.unlinkSync(__filename);
  all["unlink a program"] = () => fs.unlinkSync("/usr/bin/env");
  all["chmod a program"] = () => fs.chmodSync("/usr/bin/env", 0o777);
  all["rename a directory"] = () => fs.renameSync("/tmp", "/hostile");
  all["a disk"] = () => run("mknod", "/tmp/disk", "b", "8", "0");
  all["the runtime, changed"] = () => write(process.execPath);
  all["the shim, changed"] = () => write(noneOf(Object.keys(require.cache).find((path) => path.startsWith("/var/runtime"))));
  return all;
}
