// Makes namespaces, enters those of others, and looks for the host's.
const KINDS = { mnt: "mount", cgroup: "cgroup", uts: "uts", ipc: "ipc", user: "user", pid: "pid", net: "net" };

function attempts(event) {
  const all = {};
  for (const [kind, option] of Object.entries(KINDS)) {
    all[`unshare ${kind}`] = () => run("unshare", `--${option}`, "true");
    all[`enter ${kind}`] = () => run("nsenter", `--${option}=/proc/1/ns/${kind}`, "true");
    all[`${kind} namespace of the host`] = () =>
      noneOf(fs.readlinkSync(`/proc/self/ns/${kind}`) === event.namespaces[kind]);
  }
  all["name of the host"] = () => noneOf(os.hostname() === event.hostname);
  all["change the name"] = () => run("hostname", "hostile");
  return all;
}
