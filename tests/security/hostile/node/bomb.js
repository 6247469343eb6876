// Takes all there is of something: event.of says of what.
const { spawn } = require("child_process");
const fs = require("fs");

const BLOCK = Buffer.alloc(1 << 20);

exports.handler = async (event) => {
  console.log(`about to take all the ${event.of}`);
  return take[event.of]();
};

const take = {
  nothing: () => fs.readlinkSync("/proc/self/ns/pid"),

  // The shell's fork bomb, over and over, in sessions of their own.
  async processes() {
    for (;;) {
      spawn("sh", ["-c", "b() { b | b & }; b"], { detached: true, stdio: "ignore" }).on("error", () => {});
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },

  async children() {
    const children = [];
    for (;;) {
      const child = spawn("sleep", ["60"], { stdio: "ignore" });
      const error = await new Promise((resolve) => { child.on("spawn", resolve); child.on("error", resolve); });
      if (error) {
        for (const each of children) each.kill("SIGKILL");
        await Promise.all(children.map((each) => new Promise((resolve) => each.on("exit", resolve))));
        return { count: children.length, stopped: error.code };
      }
      children.push(child);
    }
  },

  memory() {
    const taken = [];
    for (;;) taken.push(Buffer.alloc(1 << 20, taken.length + 1));
  },

  descriptors() {
    const taken = [];
    try {
      for (;;) taken.push(fs.openSync("/dev/null", "r"));
    } catch (error) {
      return { count: taken.length, stopped: error.code };
    } finally {
      for (const fd of taken) fs.closeSync(fd);
    }
  },

  disk() {
    let written = 0;
    try {
      for (let number = 0; ; number++) {
        const fd = fs.openSync(`/tmp/${number}`, "w");
        for (let i = 0; i < 64; i++) written += fs.writeSync(fd, BLOCK) / BLOCK.length;
        fs.closeSync(fd);
      }
    } catch (error) {
      return { count: Math.floor(written), stopped: error.code };
    }
  },

  inodes() {
    let made = 0;
    try {
      for (; ; made++) fs.closeSync(fs.openSync(`/tmp/${made}`, "w"));
    } catch (error) {
      return { count: made, stopped: error.code };
    }
  },

  log() {
    const line = "x".repeat(99_999) + "\n";
    for (let i = 0; i < 2_000; i++) fs.writeSync(1, line);
    return "printed";
  },

  cpu() {
    for (let i = 0; i < 4; i++) spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" });
    for (;;);
  },

  // Answers, and leaves a process behind that nobody waits for.
  async rest() {
    const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    await new Promise((resolve) => child.on("spawn", resolve));
    child.unref();
    return "left one behind";
  },
};
