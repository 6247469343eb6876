// Becomes somebody else, or more than it is.
function attempts() {
  const all = {
    "uid 0": () => process.setuid(0),
    "effective uid 0": () => process.seteuid(0),
    "gid 0": () => process.setgid(0),
    "groups": () => process.setgroups([0, 27]),
    "a user that is not ours": () => noneOf([process.getuid(), process.geteuid(), process.getgid()].some((id) => id !== 1000)),
    "su": () => run("su", "-c", "true"),
  };
  for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
    all[name] = () => noneOf(BigInt(`0x${status(name)}`) !== 0n);
  all["life without a filter"] = () => noneOf(status("Seccomp") !== "2");
  all["new privileges"] = () => noneOf(status("NoNewPrivs") !== "1");
  return all;
}

function status(field) {
  return fs.readFileSync("/proc/self/status", "utf8").match(`${field}:\\s*(\\w+)`)[1];
}
