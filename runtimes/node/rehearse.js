'use strict';
// Runs whole lives of a function that does not exist yet. V8 compiles a function
// when it is first called; what the zygote has compiled, its children share. And
// a child that waits can touch the memory that it will need, so that it is its
// own by the time it counts.

const { Console } = require('node:console');
const net = require('node:net');
const path = require('node:path');

const { CONFIG, INVOKE, READY, RESULT, Channel, twoParts } = require('./channel.js');
const { Shim } = require('./shim.js');

const NONCE = Buffer.alloc(16, 1);
const DIR = path.join(__dirname, 'rehearsal');
const EVENT = Buffer.from('{"name":"World"}');

const toBytes = (value) => Buffer.from(JSON.stringify(value));
const CONFIGURATION = toBytes({
  functionName: '', functionVersion: '', memoryLimitInMB: '128', handler: 'index.handler',
  invokedFunctionArn: '', logGroupName: '', logStreamName: '', codeDir: DIR,
  environment: { A: 'b' },
});
const META = toBytes({ requestId: 'req-0', timeoutMs: 1000 });

// One start and one invocation, over a socket of its own.
async function live(native) {
  const [shimFd, poolFd] = native.socketPair();
  const shim = new Shim(shimFd, { exit() {}, env: {}, limitHeap() {}, showPathsIn() {} });
  const pool = new Channel(poolFd, () => {});
  try {
    await new Promise((resolve, reject) => {
      pool.open((type, nonce, payload) => {
        if (type === READY) pool.send(INVOKE, NONCE, ...twoParts(META, EVENT));
        else if (type === RESULT) resolve();
        else if (type > READY && payload.length > 0) reject(new Error(payload.toString()));
      });
      pool.listen();
      shim.start();
      pool.send(CONFIG, NONCE, CONFIGURATION);
    });
  } finally {
    shim.channel.socket.destroy();
    pool.socket.destroy();
    delete require.cache[path.join(DIR, 'index.js')];
  }
}

// The same kind of stream that standard output is in a sandbox.
function print(native) {
  const [fd, other] = native.socketPair();
  const stdout = new net.Socket({ fd, readable: false, writable: true });
  stdout._handle.setBlocking(true);
  const printer = new Console({ stdout, stderr: stdout });
  printer.log('%s %o', 'a', { b: [1] }, new Error('c'));
  stdout.destroy();
  new net.Socket({ fd: other }).destroy();
}

// Nothing in it starts libuv's thread pool, which forks would lack: no files
// through promises, no names, no ciphers.
async function rehearse(native) {
  print(native);
  await live(native);
}

module.exports = { rehearse };
