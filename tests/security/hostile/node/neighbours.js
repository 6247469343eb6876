// Looks for everything the function in neighbour.js leaves lying about.
const net = require("net");

function attempts(event) {
  const name = event.name;
  return {
    "its file": () => read(`/tmp/${name}`),
    "any file": () => noneOf(fs.readdirSync("/tmp")),
    "its shared memory": () => read(`/dev/shm/${name}`),
    "its abstract socket": () => connect({ path: `\0${name}` }),
    "its port": () => connect({ host: "127.0.0.1", port: event.port }),
    "its code": () => noneOf(fs.readdirSync("/var/task").filter(
      (file) => fs.readFileSync(`/var/task/${file}`).includes(name))),
    "its environment": () => noneOf(process.env[name]),
    "its global": () => noneOf(globalThis.hostileGlobal),
    "its prototype": () => noneOf({}.hostilePrototype),
    "its module": () => noneOf(fs.hostileModule),
  };
}

function connect(address) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(address);
    socket.on("connect", () => { socket.destroy(); resolve(address); });
    socket.on("error", reject);
  });
}
