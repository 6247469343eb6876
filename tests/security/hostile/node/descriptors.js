// Looks for files and sockets that were left open.
const CHANNEL = 3;

function attempts() {
  return {
    "files left open": () => noneOf(unexpected()),
    "the channel, opened anew": () => fs.openSync(`/proc/self/fd/${CHANNEL}`, "r+"),
    "the output pipe, read": () => {
      const fd = fs.openSync("/proc/self/fd/1", fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      return fs.readSync(fd, Buffer.alloc(64));
    },
    "the terminal": () => noneOf([0, 1, 2, 3].filter((fd) => require("tty").isatty(fd))),
  };
}

// All but pipes, the channel, and what an event loop is made of.
function unexpected() {
  const found = [];
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    let target;
    try {
      target = fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      continue; // The listing's own.
    }
    const expected = target === "/dev/null" || /^(pipe|anon_inode):/.test(target) ||
      (target.startsWith("socket:") && Number(fd) === CHANNEL);
    if (!expected) found.push(`${fd} is ${target}`);
  }
  return found;
}
