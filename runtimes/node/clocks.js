'use strict';
// Clocks that count from the start of the process shall count from the fork.

const { performance, PerformanceEntry } = require('node:perf_hooks');

const { apply } = Reflect;

function ownerOf(object, name) {
  while (!Object.hasOwn(object, name)) object = Object.getPrototypeOf(object);
  return object;
}

// Replaces method `name` of whatever `object` has it from by make(original).
function replaceMethod(object, name, make) {
  const owner = ownerOf(object, name);
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const value = make(descriptor.value);
  Object.defineProperty(value, 'name', { value: name, configurable: true });
  Object.defineProperty(owner, name, { ...descriptor, value });
}

function replaceGetter(object, name, make) {
  const owner = ownerOf(object, name);
  const { enumerable, get } = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { get: make(get), enumerable, configurable: true });
}

// All times that node hands out are differences to when the zygote started, and
// all it is given are differences to the fork. Returns what to call there.
function replaceClocks() {
  let age = 0, processAge = 0, origin = 0;
  const { uptime } = process, { now } = performance;
  const toOld = (options) => {
    if (options === null || typeof options !== 'object') return options;
    const old = { ...options };
    for (const name of ['startTime', 'start', 'end']) {
      if (typeof old[name] === 'number') old[name] += age;
    }
    return old;
  };
  replaceMethod(process, 'uptime', () => () => uptime() - processAge);
  replaceMethod(performance, 'now', () => function() {
    return apply(now, this, []) - age;
  });
  replaceMethod(performance, 'mark', (mark) => function(name, options) {
    return apply(mark, this, [name, toOld(options)]);
  });
  replaceMethod(performance, 'measure', (measure) => function(name, options, end) {
    return apply(measure, this, [name, toOld(options), end]);
  });
  replaceGetter(performance, 'timeOrigin', () => () => origin);
  replaceGetter(PerformanceEntry.prototype, 'startTime', (startTime) => function() {
    return apply(startTime, this, []) - age;
  });
  return () => {
    age = apply(now, performance, []);
    processAge = uptime();
    origin = Date.now();
  };
}

module.exports = { replaceClocks };
