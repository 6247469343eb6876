// Leaves everything behind that could be found by another: see neighbours.js.
const fs = require("fs");
const net = require("net");

let left = false;

exports.handler = async (event) => {
  if (left) return "left behind already";
  left = true;
  const name = event.name;
  for (const path of [`/tmp/${name}`, `/dev/shm/${name}`]) fs.writeFileSync(path, name, { mode: 0o666 });
  await listen({ path: `\0${name}` });
  await listen({ host: "127.0.0.1", port: event.port });
  process.env[name] = name;
  globalThis.hostileGlobal = name;
  fs.hostileModule = name;
  // Not enumerable: the shim goes on as if nothing had happened.
  Object.defineProperty(Object.prototype, "hostilePrototype", { value: name, configurable: true });
  return name;
};

function listen(address) {
  return new Promise((resolve, reject) => {
    const server = net.createServer().listen(address, resolve);
    server.on("error", reject);
  });
}
