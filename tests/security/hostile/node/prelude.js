// Put before each hostile function: makes its attempts, and tells what stopped them.
const { spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");

exports.handler = async (event) => {
  const outcomes = {};
  for (const [name, attempt] of Object.entries(attempts(event))) outcomes[name] = await outcome(attempt);
  return outcomes;
};

// What stopped an attempt, or what it reached.
async function outcome(attempt) {
  try {
    return `reached: ${JSON.stringify(await attempt())}`.slice(0, 300);
  } catch (error) {
    return error.info?.code ?? error.code ?? `${error.name}: ${error.message}`;
  }
}

function refuse(code) {
  throw Object.assign(new Error(code), { code });
}

// What a file holds. Nothing counts as nothing reached.
function read(path) {
  const fd = fs.openSync(path, "r");
  try {
    const buffer = Buffer.alloc(64);
    const size = fs.readSync(fd, buffer);
    return size > 0 ? buffer.toString("latin1", 0, size) : refuse("ENODATA");
  } finally {
    fs.closeSync(fd);
  }
}

function write(path) {
  if (fs.existsSync(path) && fs.statSync(path).rdev === fs.statSync("/dev/null").rdev) refuse("ENODEV");
  fs.writeFileSync(path, "hostile", { flag: fs.existsSync(path) ? "r+" : "wx" });
  return path;
}

// Refuses when nothing was found.
function noneOf(found) {
  const some = Array.isArray(found) ? found.length > 0 : Boolean(found);
  return some ? found : refuse("ENOENT");
}

// What a program of the system achieves. Its complaint is taken for the error.
function run(program, ...options) {
  const { status, signal, error, stderr } = spawnSync(program, options, { encoding: "utf8", timeout: 5000 });
  if (error) throw error;
  if (signal) refuse(signal);
  if (status === 0) return `${program} ${options.join(" ")}`;
  const complaints = {
    "Operation not permitted": "EPERM", "Permission denied": "EACCES", "No such file": "ENOENT",
    "Function not implemented": "ENOSYS", "must be superuser": "EPERM", "must be root": "EPERM", "must be run from a terminal": "EACCES",
    "Authentication failure": "EACCES", "immediate abort": "EPERM", "Read-only file system": "EROFS",
  };
  for (const [text, code] of Object.entries(complaints)) if (stderr.includes(text)) refuse(code);
  throw new Error(`${program} ended with ${status}: ${stderr}`);
}
