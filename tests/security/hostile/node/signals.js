// Signals and slows down processes that are not its own.
const RANGE = 70000;

function attempts(event) {
  const all = {
    "everybody": () => process.kill(-1, "SIGKILL"),
    "everybody, one by one": () => noneOf(reachable()),
    "a parent": () => noneOf(process.pid === 1 && process.ppid !== 0),
    "a higher priority": () => os.setPriority(0, -5),
  };
  for (const [name, pid] of Object.entries(event.pids)) {
    all[`kill ${name}`] = () => process.kill(pid, "SIGKILL");
    all[`stop ${name}`] = () => process.kill(pid, "SIGSTOP");
    all[`debug ${name}`] = () => process._debugProcess(pid);
    all[`priority of ${name}`] = () => os.setPriority(pid, 19);
    all[`memory of ${name}`] = () => read(`/proc/${pid}/maps`);
    all[`files of ${name}`] = () => fs.readdirSync(`/proc/${pid}/fd`);
  }
  return all;
}

function reachable() {
  const ours = new Set();
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    for (const thread of fs.readdirSync(`/proc/${pid}/task`)) ours.add(Number(thread));
  const found = [];
  for (let pid = 1; pid < RANGE; pid++) {
    try {
      process.kill(pid, 0);
    } catch {
      continue;
    }
    if (!ours.has(pid)) found.push(pid);
  }
  return found;
}
