// Searches for what only the host, the platform or another function may know.
const MASK = 0x15;
const FILES = ["/proc/self/environ", "/proc/1/environ", "/proc/self/cmdline", "/proc/1/cmdline", "/proc/self/mountinfo"];

function attempts(event) {
  const all = {
    "environment of the platform": () => noneOf(Object.keys(process.env).filter(
      (name) => /^(SO_|LD_)/.test(name) || event.variables.includes(name))),
  };
  for (const [name, text] of Object.entries(event.secrets)) {
    // Secrets arrive disguised, so that the search does not find itself.
    const secret = Buffer.from(text, "hex");
    all[`${name} in the environment`] = () => noneOf(FILES.filter((path) => holds(path, secret)));
    all[`${name} in memory`] = () => noneOf(inMemory(secret));
  }
  return all;
}

function disguise(bytes) {
  for (let i = 0; i < bytes.length; i++) bytes[i] ^= MASK;
  return bytes;
}

function holds(path, secret) {
  try {
    return disguise(fs.readFileSync(path)).includes(secret);
  } catch {
    return false;
  }
}

// Regions of our own memory, some of it a zygote's, that hold the secret.
function inMemory(secret) {
  const memory = fs.openSync("/proc/self/mem", "r");
  const chunk = Buffer.alloc(1 << 20);
  const found = [];
  for (const line of fs.readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const region = line.match(/^(\w+)-(\w+) r\S+ \S+ \S+ \S+\s*(.*)/);
    if (!region || region[3].startsWith("/usr") || region[3].startsWith("[v")) continue;
    const [start, end] = [parseInt(region[1], 16), parseInt(region[2], 16)];
    for (let at = start; at < end; at += chunk.length) {
      try {
        const size = fs.readSync(memory, chunk, 0, Math.min(chunk.length, end - at), at);
        if (disguise(chunk.subarray(0, size)).includes(secret)) found.push(region[3] || "anonymous");
        // Where our own copy of the secret was read, it stands here undisguised.
        chunk.fill(0);
      } catch {
        continue;
      }
    }
  }
  fs.closeSync(memory);
  return found;
}
