'use strict';
// Runs a whole life of a function in the zygote. V8 compiles a function when it
// is first called; children inherit what was compiled here, and share it.

const { Console } = require('node:console');
const net = require('node:net');
const path = require('node:path');

const { CONFIG, INVOKE, READY, RESULT, Channel, twoParts } = require('./channel.js');
const { Shim } = require('./shim.js');

const NONCE = Buffer.alloc(16, 1);
const DIR = path.join(__dirname, 'rehearsal');
const EVENT = Buffer.from('{"name":"World"}');

const toBytes = (value) => Buffer.from(JSON.stringify(value));

// One start and one invocation, over a socket of its own.
function liveOnce(native) {
  const [shimFd, poolFd] = native.socketPair();
  return new Promise((resolve, reject) => {
    const shim = new Shim(shimFd, { exit: () => {}, env: {}, limitHeap() {} });
    const pool = new Channel(poolFd, () => {});
    const shimSocket = shim.start();
    const poolSocket = pool.listen((type, nonce, payload) => {
      if (type === READY) {
        pool.send(INVOKE, NONCE,
                  ...twoParts(toBytes({ requestId: 'req-0', timeoutMs: 1000 }), EVENT));
      } else if (type === RESULT) {
        shimSocket.destroy();
        poolSocket.destroy();
        resolve();
      } else if (type > READY && payload.length > 0) {
        reject(new Error(payload.toString()));
      }
    });
    pool.send(CONFIG, NONCE, toBytes({
      memoryLimitInMB: '128', handler: 'index.handler', codeDir: DIR, environment: { A: 'b' },
    }));
  }).finally(() => delete require.cache[path.join(DIR, 'index.js')]);
}

// The same kind of stream that standard output is in a sandbox.
function withConsole(native, run) {
  const [fd, sink] = native.socketPair();
  const stdout = new net.Socket({ fd, readable: false, writable: true });
  stdout._handle.setBlocking(true);
  const printed = new Console({ stdout, stderr: stdout });
  const before = console.log;
  console.log = printed.log;
  return run().finally(() => {
    console.log = before;
    stdout.destroy();
    new net.Socket({ fd: sink }).destroy();
  });
}

// Must not start libuv's thread pool, which forks would lack: no files through
// promises, no names, no ciphers.
async function rehearse(native, times) {
  await import('data:text/javascript,export const handler = () => 1');
  await withConsole(native, async () => {
    for (let i = 0; i < times; i++) await liveOnce(native);
  });
}

module.exports = { rehearse };
