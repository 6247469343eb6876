// Talks to whatever is outside: the host, the platform, the network, other functions.
const dgram = require("dgram");
const dns = require("dns/promises");
const net = require("net");

const OUTSIDE = ["8.8.8.8", "169.254.169.254", "10.0.0.1", "172.17.0.1", "2001:4860:4860::8888", "fd00::1"];
const PATIENCE = 2000;

function attempts(event) {
  const all = {};
  for (const host of OUTSIDE) all[`connect to ${host}`] = () => connect({ host, port: 80 });
  for (const host of event.hosts)
    for (const [name, port] of Object.entries(event.ports)) all[`${name} at ${host}`] = () => connect({ host, port });
  for (const name of event.abstract) all[`abstract socket ${name}`] = () => connect({ path: `\0${name}` });
  for (const path of event.sockets) all[`socket ${path}`] = () => connect({ path });
  all["datagram"] = () => datagram("8.8.8.8");
  all["other interfaces"] = () => noneOf(interfaces().filter((name) => name !== "lo"));
  all["a name server"] = () => dns.lookup("example.com");
  return all;
}

function connect(address) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ ...address, timeout: PATIENCE });
    const end = (settle, value) => { socket.destroy(); settle(value); };
    socket.on("connect", () => end(resolve, address));
    socket.on("timeout", () => end(reject, Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    socket.on("error", (error) => end(reject, error));
  });
}

function datagram(host) {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket("udp4");
    socket.send("hostile", 53, host, (error, sent) => {
      socket.close();
      if (error) reject(error);
      else resolve(sent);
    });
  });
}

function interfaces() {
  return fs.readFileSync("/proc/net/dev", "utf8").split("\n").filter((line) => line.includes(":"))
    .map((line) => line.split(":")[0].trim());
}
