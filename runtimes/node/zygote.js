'use strict';
// The initialised node that instances are forked from. Its one argument is the
// path of the native addon.

const v8 = require('node:v8');
const vm = require('node:vm');

const native = require(process.argv[2]);
const { becomeFresh } = require('./fresh.js');
const { rehearse } = require('./rehearse.js');
const { Shim } = require('./shim.js');

const CHANNEL = 3;
const REHEARSALS = 8;

// Leaves the heap compact: children then share more of it, and for longer.
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
  v8.setFlagsFromString('--no-expose-gc');
}

// How much of a function's memory V8's old generation may fill: the rest is for
// its young one, code, stacks and buffers, which the cgroup alone limits.
const HEAP_SHARE = 0.8;

function runInstance() {
  // A full pipe makes the writer wait instead of piling up output in memory,
  // and what was printed is out before the result is.
  for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);
  const shim = new Shim(CHANNEL, {
    exit: process.exit.bind(process),
    env: process.env,
    limitHeap: (megabytes) => native.limitHeap(Math.floor(megabytes * HEAP_SHARE) * 2 ** 20),
  });
  process.on('uncaughtException', (error) => shim.failProcess(error));
  shim.start();
}

async function main() {
  await rehearse(native, REHEARSALS);
  // Sockets of the rehearsal are closed by the loop.
  await new Promise((resolve) => setTimeout(resolve, 10));
  collectGarbage();
  native.serve();
  becomeFresh(native);
  runInstance();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
