'use strict';
// What user code throws, as the runtime contract describes it.

const { pathToFileURL } = require('node:url');

const MAX_TYPE_BYTES = 256, MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_STACK_LINES = 64, MAX_STACK_LINE_BYTES = 1024;

const { stringify } = JSON;

let codeDir = '';

// Paths below it are shown as they are in the function's source.
function setCodeDir(dir) {
  codeDir = dir;
}

// Paths of the platform's mean nothing to the author of the function.
function withoutHostPaths(text) {
  let shown = text.replaceAll(__dirname + '/', '(runtime)/');
  if (codeDir !== '') {
    shown = shown.replaceAll(pathToFileURL(codeDir).href + '/', '').replaceAll(codeDir + '/', '');
  }
  return shown;
}

function cut(value, maxBytes) {
  const bytes = Buffer.from(withoutHostPaths(String(value)));
  if (bytes.length <= maxBytes) return bytes.toString();
  let end = maxBytes;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

// Where a text did not compile: V8 puts the place and the line of source before
// the headline of the stack.
function syntaxPlace(error) {
  if (!(error instanceof SyntaxError) || typeof error.stack !== 'string') return null;
  const match = /^(?!SyntaxError)(\S[^\n]*:\d+)\n/.exec(error.stack);
  return match === null ? null : withoutHostPaths(match[1]);
}

// The text of a stack, without the headline and without our own frames.
function stackLines(stack, headline) {
  const start = stack.indexOf(headline);
  const place = start > 0 ? stack.slice(0, start).split('\n') : [];
  const frames = stack.slice(start < 0 ? 0 : start + headline.length).split('\n')
    .filter((line) => line.includes(' at ') && !line.includes(__dirname + '/') &&
                      !/[( ]node:/.test(line));
  return [...place, ...frames]
    .filter((line) => line.trim() !== '')
    .slice(0, MAX_STACK_LINES)
    .map((line) => cut(line.replace(/^ {4}at /, 'at '), MAX_STACK_LINE_BYTES));
}

// Anything can be thrown: errors, strings, null, objects with hostile getters.
function describe(thrown) {
  try {
    if (thrown !== null && typeof thrown === 'object' && 'message' in thrown) {
      const type = thrown.name || thrown.constructor?.name || 'Error';
      return {
        type: cut(type, MAX_TYPE_BYTES),
        message: cut(thrown.message, MAX_MESSAGE_BYTES),
        stack: typeof thrown.stack === 'string'
          ? stackLines(thrown.stack, `${thrown.name}: ${thrown.message}`) : [],
      };
    }
    const text = typeof thrown === 'object' && thrown !== null ? stringify(thrown) : String(thrown);
    return { type: typeof thrown, message: cut(text, MAX_MESSAGE_BYTES), stack: [] };
  } catch {
    return { type: 'Error', message: 'an error that cannot be described', stack: [] };
  }
}

const NOT_FOUND = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];

// The same for what is thrown while code is loaded, with types of its own for
// the usual mistakes.
function describeInit(thrown) {
  const fault = describe(thrown);
  try {
    const place = syntaxPlace(thrown);
    if (place !== null) {
      return { ...fault, type: 'UserCodeSyntaxError', message: `${place}: ${fault.message}` };
    }
    if (NOT_FOUND.includes(thrown?.code)) return { ...fault, type: 'ImportModuleError' };
  } catch {
    // A hostile getter.
  }
  return fault;
}

class InitError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

// The handler returned something that cannot be an answer.
class ResultError extends Error {
  constructor(message, kind = 'invalid-result') {
    super(message);
    this.kind = kind;
  }
}

module.exports = { InitError, ResultError, describe, describeInit, setCodeDir, syntaxPlace };
