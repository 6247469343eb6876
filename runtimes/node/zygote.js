'use strict';
// The initialised node that instances are forked from. Its one argument is the
// path of the native addon.

const v8 = require('node:v8');
const vm = require('node:vm');

const native = require(process.argv[2]);
const { setCodeDir } = require('./errors.js');
const { prepareFork } = require('./fork.js');
const { rehearse } = require('./rehearse.js');
const { Shim } = require('./shim.js');
const { awslambda } = require('./streaming.js');

const CHANNEL = 3;
const REHEARSALS = 32;
// Who has not been given a function by then is waiting for one.
const PARKED_MS = 20;

// Leaves the heap compact and with nothing to be done: children then share more
// of it, and for longer.
function tidyHeap() {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  collectGarbage();
  collectGarbage();
  // Sweeps what the collection has left for later.
  v8.getHeapCodeStatistics();
}

// What functions use most, so that they find it loaded. Not dns, which makes a
// resolver with random numbers of its own.
const COMMON = [
  'assert', 'async_hooks', 'buffer', 'child_process', 'crypto', 'events', 'fs/promises', 'http',
  'https', 'os', 'path', 'querystring', 'readline', 'stream', 'stream/promises',
  'string_decoder', 'timers/promises', 'tls', 'url', 'util', 'worker_threads', 'zlib',
];
const COMMON_GLOBALS = ['crypto', 'Headers'];

// How much of a function's memory V8's old generation may fill: the rest is for
// its young one, code, stacks and buffers, which the cgroup alone limits.
const HEAP_SHARE = 0.8;

function makeInstance() {
  // A full pipe makes the writer wait instead of piling up output in memory,
  // and what was printed is out before the result is.
  for (const stream of [process.stdout, process.stderr]) stream._handle.setBlocking(true);
  return new Shim(CHANNEL, {
    exit: process.exit.bind(process),
    env: process.env,
    limitHeap: (megabytes) => native.limitHeap(Math.floor(megabytes * HEAP_SHARE) * 2 ** 20),
    showPathsIn: setCodeDir,
  });
}

async function main() {
  // First, because node itself makes the streams when it needs them.
  const shim = native.likeInstance(makeInstance);
  const failProcess = (error) => shim.failProcess(error);
  for (const name of COMMON) require(`node:${name}`);
  for (const name of COMMON_GLOBALS) void globalThis[name];
  globalThis.awslambda = awslambda;
  await import('data:text/javascript,export const handler = () => 1');
  for (let i = 0; i < REHEARSALS; i++) await rehearse(native);
  const refresh = prepareFork(native);
  const takeOver = () => {
    refresh();
    process.on('uncaughtException', failProcess);
  };
  for (let i = 0; i < REHEARSALS; i++) {
    takeOver();
    process.off('uncaughtException', failProcess);
  }
  tidyHeap();
  // The loop closes the sockets of the rehearsals, and runs what V8 has put off:
  // every child would have to.
  await new Promise((resolve) => setTimeout(resolve, 50));

  native.serve();

  takeOver();
  shim.start();
  setTimeout(() => {
    if (shim.config === null) rehearse(native);
  }, PARKED_MS);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
