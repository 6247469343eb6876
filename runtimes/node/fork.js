'use strict';
// Makes a fork of the zygote a process of its own: what node took from the
// process when it started, and what must not be the same in two processes.

const { replaceClocks } = require('./clocks.js');

const { defineProperty } = Object;

// Math.random's state comes from the zygote, and V8 has no way to seed it anew:
// another generator (sfc32, 128 bits of state) takes its place.
function replaceRandom(native) {
  const state = new Int32Array(4);
  const next = () => {
    const sum = (state[0] + state[1] + state[3]) | 0;
    state[3]++;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = (state[2] * 9) | 0;
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum;
    return sum;
  };
  // 53 bits, as many as a number has. A bound function shows no source, like the
  // native one.
  const random = (() => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992).bind();
  defineProperty(random, 'name', { value: 'random', configurable: true });
  defineProperty(Math, 'random', { value: random, writable: true, configurable: true });
  return () => {
    native.fillRandom(state);
    for (let i = 0; i < 12; i++) next();
  };
}

// What node does when a process ends waits for threads that a fork does not
// have, so all ways out lead past it.
function replaceExit(native) {
  const { exit } = native;
  const fatal = process._fatalException;
  process.reallyExit = (code) => exit(code ?? 0);
  process._fatalException = function(error, ...rest) {
    if (Reflect.apply(fatal, this, [error, ...rest])) return true;
    console.error(error);
    return exit(process.exitCode || 1);
  };
}

function refreshIdentity(native) {
  const [pid, ppid] = native.ids();
  defineProperty(process, 'pid', { value: pid, enumerable: true, configurable: true });
  defineProperty(process, 'ppid', { value: ppid, writable: true, enumerable: true, configurable: true });
}

// In the zygote, before it serves: everything that can be done there. Returns
// what is left to be done in each child.
function prepareFork(native) {
  process.argv = [process.execPath, require.resolve('./shim.js')];
  // The zygote's flags are not for what the function starts.
  process.execArgv = [];
  replaceExit(native);
  const refreshes = [replaceRandom(native), replaceClocks(), () => refreshIdentity(native)];
  return () => refreshes.forEach((refresh) => refresh());
}

module.exports = { prepareFork };
