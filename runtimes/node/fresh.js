'use strict';
// Makes a fork of the zygote a process of its own: what node took from the
// process when it started, and what must not be the same in two processes.

const { freshClocks } = require('./clocks.js');

const { defineProperty } = Object;

// Math.random's state comes from the zygote, and V8 has no way to seed it anew:
// another generator (sfc32, 128 bits of state) takes its place.
function seededRandom(native) {
  let [a, b, c] = native.fillRandom(new Int32Array(3));
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  };
  for (let i = 0; i < 15; i++) next();
  // 53 bits, as many as a number has.
  return () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
}

function freshRandom(native) {
  // A bound function shows no source, like the native one.
  const random = seededRandom(native).bind();
  defineProperty(random, 'name', { value: 'random', configurable: true });
  defineProperty(Math, 'random', { value: random, writable: true, configurable: true });
}

// What node does when a process ends waits for threads that a fork does not
// have, so all ways out lead past it.
function freshExit(native) {
  const { exit } = native;
  const fatal = process._fatalException;
  process.reallyExit = (code) => exit(code ?? 0);
  process._fatalException = function(error, ...rest) {
    if (Reflect.apply(fatal, this, [error, ...rest])) return true;
    console.error(error);
    return exit(process.exitCode || 1);
  };
}

function freshIdentity(native) {
  const { pid, ppid } = native.ids();
  defineProperty(process, 'pid', { value: pid, enumerable: true, configurable: true });
  defineProperty(process, 'ppid', { value: ppid, writable: true, enumerable: true, configurable: true });
  process.argv = [process.execPath, require.resolve('./shim.js')];
  // The zygote's flags are not for what the function starts.
  process.execArgv = [];
}

function becomeFresh(native) {
  freshExit(native);
  freshRandom(native);
  freshIdentity(native);
  freshClocks();
}

module.exports = { becomeFresh };
