'use strict';
// Runs one function in a Node.js process, for its whole life. Speaks the
// runtime contract (docs/runtime-contract.md) on descriptor 3. What it needs
// from the standard library is fetched before any user code runs.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const CONTRACT_VERSION = 1;
const CHANNEL = 3;
const CONFIG = 1, INVOKE = 2;
const HELLO = 16, READY = 17, INIT_ERROR = 18, STARTED = 19, RESULT = 20, ERROR = 21;
const NONCE_BYTES = 16;
const MAX_FRAME_BYTES = 6 * 1024 * 1024 + 64 * 1024;
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_TYPE_BYTES = 256, MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_STACK_LINES = 64, MAX_STACK_LINE_BYTES = 1024;

const { stringify, parse } = JSON;
const { writeSync } = fs;
const exit = process.exit.bind(process);
const now = performance.now.bind(performance);
const sleeper = new Int32Array(new SharedArrayBuffer(4));

// ---- frames -----------------------------------------------------------------

// Writes a whole frame before it returns, so that nothing user code does next,
// process.exit included, can cut it short.
function send(type, nonce, ...parts) {
  const head = Buffer.alloc(5 + NONCE_BYTES);
  const payloadBytes = parts.reduce((sum, part) => sum + part.length, 0);
  head.writeUInt32BE(1 + NONCE_BYTES + payloadBytes, 0);
  head[4] = type;
  nonce.copy(head, 5);
  const frame = Buffer.concat([head, ...parts]);
  for (let offset = 0; offset < frame.length;) {
    try {
      offset += writeSync(CHANNEL, frame, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') exit(0);  // The pool is gone.
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}

// Two parts as one payload: the length of the first, the first, the second.
function withMeta(meta, body) {
  const text = Buffer.from(stringify(meta));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length, 0);
  return [length, text, body];
}

// Calls onFrame(type, nonce, payload) for every frame that has arrived.
function readFrames(onFrame) {
  const socket = new net.Socket({ fd: CHANNEL, readable: true, writable: false });
  let chunks = [], buffered = 0, wanted = 4;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    buffered += chunk.length;
    while (buffered >= wanted) {
      const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const length = all.readUInt32BE(0);
      if (length < 1 + NONCE_BYTES || length > MAX_FRAME_BYTES) exit(1);
      chunks = [all];
      wanted = 4 + length;
      if (buffered < wanted) break;
      const rest = all.subarray(wanted);
      const payload = all.subarray(5 + NONCE_BYTES, wanted);
      const nonce = Buffer.from(all.subarray(5, 5 + NONCE_BYTES));
      chunks = rest.length > 0 ? [rest] : [];
      buffered = rest.length;
      wanted = 4;
      onFrame(all[4], nonce, payload);
    }
  });
  socket.on('close', () => exit(0));
  socket.on('error', () => exit(0));
}

// ---- errors -----------------------------------------------------------------

let codeDir = '';

// Paths of the platform's mean nothing to the author of the function.
function withoutHostPaths(text) {
  let shown = text.replaceAll(__filename, '(runtime)');
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

// The text of a stack, without the headline and without our own frames. A
// syntax error has the place and the line before its headline.
function stackLines(stack, headline) {
  const start = stack.indexOf(headline);
  const place = start > 0 ? stack.slice(0, start).split('\n') : [];
  const frames = stack.slice(start < 0 ? 0 : start + headline.length).split('\n')
    .filter((line) => line.includes(' at ') && !line.includes(__filename) &&
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

// ---- the function's code ----------------------------------------------------

const MODULE_SYNTAX = [
  'Cannot use import statement outside a module',
  "Unexpected token 'export'",
  "Cannot use 'import.meta' outside a module",
  'await is only valid in async functions and the top level bodies of modules',
];

// Whether a file can only be an ES module: it does not compile as CommonJS, for
// the reasons by which Node.js itself tells the two apart.
function hasModuleSyntax(file) {
  const source = fs.readFileSync(file, 'utf8').replace(/^#!.*/, '');
  try {
    require('node:vm').compileFunction(
      source, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: file });
    return false;
  } catch (error) {
    return error instanceof SyntaxError &&
           MODULE_SYNTAX.some((text) => error.message.includes(text));
  }
}

function packageIsModule(file) {
  for (let dir = path.dirname(file); dir.startsWith(codeDir); dir = path.dirname(dir)) {
    const manifest = path.join(dir, 'package.json');
    if (fs.existsSync(manifest)) return parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
  }
  return false;
}

async function loadModule(base) {
  const importFile = (file) => import(pathToFileURL(file).href);
  const script = `${base}.js`, module = `${base}.mjs`, common = `${base}.cjs`;
  if (fs.existsSync(script)) {
    if (packageIsModule(script)) return importFile(script);
    if (!hasModuleSyntax(script)) return require(script);
    return importFile(fs.existsSync(module) ? module : script);
  }
  if (fs.existsSync(module)) return importFile(module);
  if (fs.existsSync(common)) return require(common);
  throw new InitError('ImportModuleError', `there is no file ${path.basename(base)}.js`);
}

// "dir/file.a.b": export a.b of dir/file.
async function loadHandler(name) {
  const match = /^((?:[^./][^/]*\/)*)([^./][^./]*)\.(.+)$/.exec(name);
  if (match === null || name.includes('..')) {
    throw new InitError('MalformedHandlerName', `the handler must look like file.export: ${name}`);
  }
  const [, dir, file, exported] = match;
  const loaded = await loadModule(path.join(codeDir, dir, file));
  const find = (from) => exported.split('.').reduce(
    (value, key) => (value === undefined || value === null ? undefined : value[key]), from);
  const handler = find(loaded) ?? find(loaded?.default);
  if (typeof handler !== 'function') {
    throw new InitError('HandlerNotFound', `${dir}${file} does not export a function named ${exported}`);
  }
  return handler;
}

// ---- results ----------------------------------------------------------------

// JSON.stringify escapes half a surrogate pair, which strict parsers refuse.
// Whole pairs and escaped backslashes are matched first, to step over them.
const SURROGATES =
  /\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2})/g;
function wellFormed(json) {
  if (!json.includes('\\u')) return json;
  return json.replace(SURROGATES, (text) => (text.length === 6 ? '\\ufffd' : text));
}

function toJson(value) {
  try {
    return wellFormed(stringify(value) ?? 'null');
  } catch (error) {
    throw new ResultError(`the result is not JSON: ${describe(error).message.split('\n')[0]}`);
  }
}

// A string that is a JSON object or array stands for that value.
function stringBodyToJson(body) {
  if (/^\s*[{[]/.test(body)) {
    try {
      parse(body);
      return wellFormed(body);
    } catch {
      // Just text.
    }
  }
  return toJson(body);
}

function checkedHeaders(headers) {
  if (headers === undefined || headers === null) return {};
  if (typeof headers !== 'object' || Array.isArray(headers)) {
    throw new ResultError('headers must be an object');
  }
  const checked = {};
  let count = 0, bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || value === null) continue;
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
      throw new ResultError(`headers: ${stringify(name.slice(0, 64))} is not a header name`);
    }
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new ResultError(`headers: ${name} must be a string, a number or a boolean`);
    }
    const text = String(value);
    // eslint-disable-next-line no-control-regex
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) {
      throw new ResultError(`headers: ${name} has a control character`);
    }
    const clean = Buffer.from(text).toString();  // No half surrogate pairs.
    count += 1;
    bytes += name.length + Buffer.byteLength(clean);
    if (count > MAX_HEADERS) throw new ResultError(`headers: more than ${MAX_HEADERS}`);
    if (bytes > MAX_HEADER_BYTES) throw new ResultError(`headers: more than ${MAX_HEADER_BYTES} bytes`);
    checked[name] = clean;
  }
  return checked;
}

function isAnswer(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value) &&
         value.statusCode !== undefined;
}

function encodeResult(value) {
  let meta = { statusCode: 200, headers: {} }, json;
  if (isAnswer(value)) {
    const { statusCode, headers, body } = value;
    if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 599) {
      throw new ResultError('statusCode must be an integer from 100 to 599');
    }
    meta = { statusCode, headers: checkedHeaders(headers) };
    json = typeof body === 'string' ? stringBodyToJson(body) : toJson(body);
  } else {
    json = toJson(value);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_BODY_BYTES) {
    throw new ResultError(`the result has ${bytes} bytes, at most ${MAX_BODY_BYTES} are allowed`,
                          'result-too-large');
  }
  return withMeta(meta, Buffer.from(json));
}

// ---- invocations ------------------------------------------------------------

let config = null;
let handler = null;
// Nonce of what the pool waits for: the invocation, or loading the code.
let running = null;
let loading = null;

function settle(nonce, encode) {
  if (running !== nonce) return;  // Already answered.
  let parts;
  try {
    parts = encode();
  } catch (error) {
    fail(nonce, error instanceof ResultError ? error.kind : 'invalid-result', error);
    return;
  }
  if (running !== nonce) return;  // User code in toJSON or a getter answered.
  running = null;
  send(RESULT, nonce, ...parts);
}

function fail(nonce, kind, thrown) {
  if (running !== nonce) return;
  const fault = describe(thrown);
  if (running !== nonce) return;
  running = null;
  send(ERROR, nonce, Buffer.from(stringify({ kind, ...fault })));
}

function makeContext(meta, done) {
  const deadline = now() + meta.timeoutMs;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: config.functionName,
    functionVersion: config.functionVersion,
    memoryLimitInMB: config.memoryLimitInMB,
    invokedFunctionArn: config.invokedFunctionArn,
    logGroupName: config.logGroupName,
    logStreamName: config.logStreamName,
    awsRequestId: meta.requestId,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - now())),
    done,
    succeed: (value) => done(null, value),
    fail: (error) => done(error ?? new Error('failed')),
  };
}

function invoke(nonce, payload) {
  const metaEnd = 4 + payload.readUInt32BE(0);
  const meta = parse(payload.toString('utf8', 4, metaEnd));
  running = nonce;
  send(STARTED, nonce);
  const done = (error, value) => {
    if (error !== undefined && error !== null) fail(nonce, 'error', error);
    else settle(nonce, () => encodeResult(value));
  };
  try {
    const event = parse(payload.toString('utf8', metaEnd));
    const returned = handler(event, makeContext(meta, done), done);
    if (returned !== null && typeof returned === 'object' && typeof returned.then === 'function') {
      returned.then((value) => settle(nonce, () => encodeResult(value)),
                    (error) => fail(nonce, 'error', error));
    } else if (handler.length < 3) {
      settle(nonce, () => encodeResult(returned));
    }  // Else it takes a callback and will use it, whatever it returned.
  } catch (error) {
    fail(nonce, 'error', error);
  }
}

async function initialize(nonce, payload) {
  loading = nonce;
  try {
    config = parse(payload.toString());
    codeDir = config.codeDir;
    Object.assign(process.env, config.environment);
    handler = await loadHandler(config.handler);
    if (loading !== nonce) return;
    loading = null;
    send(READY, nonce);
  } catch (error) {
    failInit(error);
  }
}

function failInit(thrown) {
  if (loading === null) return;
  send(INIT_ERROR, loading, Buffer.from(stringify(describe(thrown))));
  loading = null;
  exit(1);
}

// Thrown from a timer or an event, or a rejection nobody handled. What was
// running is answered; the state of the process is unknown, so it ends.
function onUncaught(thrown) {
  if (loading !== null) failInit(thrown);
  if (running !== null) fail(running, 'uncaught', thrown);
  else console.error(thrown);
  exit(1);
}

function main() {
  // A full pipe makes the writer wait instead of piling up output in memory,
  // and what was printed is out before the result is.
  for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);
  process.on('uncaughtException', onUncaught);
  send(HELLO, Buffer.alloc(NONCE_BYTES), Buffer.from(stringify({ contract: CONTRACT_VERSION })));
  readFrames((type, nonce, payload) => {
    if (type === CONFIG && config === null && loading === null) initialize(nonce, payload);
    else if (type === INVOKE && handler !== null) invoke(nonce, payload);
    else exit(1);
  });
}

main();
