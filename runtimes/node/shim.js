'use strict';
// Runs one function in a Node.js process, for its whole life: from HELLO to the
// end of its channel. What it needs from the standard library is fetched before
// any user code runs.

const {
  CONTRACT_VERSION, CONFIG, INVOKE, CREDIT, HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR,
  NO_NONCE, Channel,
} = require('./channel.js');
const { ResultError, describe, describeInit } = require('./errors.js');
const { loadHandler } = require('./loader.js');
const { encodeResult } = require('./results.js');
const { Collector, ResponseStream, Sender, streams } = require('./streaming.js');

const { stringify, parse } = JSON;
const { assign } = Object;
const { floor, max } = Math;
const now = performance.now.bind(performance);

const HELLO_PAYLOAD = Buffer.from(stringify({ contract: CONTRACT_VERSION }));

// Made in the zygote, started in its child.
class Shim {
  // `host` is the process: exit(code), env, limitHeap(MB), showPathsIn(codeDir).
  constructor(fd, host) {
    this.host = host;
    this.channel = new Channel(fd, host.exit);
    this.config = null;
    this.handler = null;
    this.streams = false;
    // Where the stream of what is running goes to, if it has one.
    this.sink = null;
    // Nonce of what the pool waits for: the invocation, or loading the code.
    this.running = null;
    this.loading = null;
    this.channel.open((type, nonce, payload) => {
      if (type === CONFIG && this.config === null) this.load(nonce, payload);
      else if (type === INVOKE && this.handler !== null) this.invoke(nonce, payload);
      else if (type === CREDIT) this.grant(nonce, payload);
      else host.exit(1);
    });
  }

  start() {
    this.channel.send(HELLO, NO_NONCE, HELLO_PAYLOAD);
    this.channel.listen();
  }

  async load(nonce, payload) {
    this.loading = nonce;
    try {
      this.config = parse(payload.toString());
      this.host.showPathsIn(this.config.codeDir);
      this.host.limitHeap(+this.config.memoryLimitInMB);
      assign(this.host.env, this.config.environment);
      this.handler = await loadHandler(this.config.handler, this.config.codeDir);
      this.streams = streams(this.handler);
      if (this.loading !== nonce) return;
      this.loading = null;
      this.channel.send(READY, nonce);
    } catch (error) {
      this.failLoad(error);
    }
  }

  failLoad(thrown) {
    if (this.loading === null) return;
    this.channel.send(INIT_ERROR, this.loading, Buffer.from(stringify(describeInit(thrown))));
    this.loading = null;
    this.host.exit(1);
  }

  invoke(nonce, payload) {
    const metaEnd = 4 + payload.readUInt32BE(0);
    const meta = parse(payload.toString('utf8', 4, metaEnd));
    this.running = nonce;
    this.channel.send(STARTED, nonce);
    if (this.streams) return this.invokeStreaming(nonce, meta, payload.subarray(metaEnd));
    const done = (error, value) => {
      if (error !== undefined && error !== null) this.fail(nonce, 'error', error);
      else this.settle(nonce, value);
    };
    const { handler } = this;
    try {
      const event = parse(payload.toString('utf8', metaEnd));
      const returned = handler(event, this.makeContext(meta, done), done);
      if (returned !== null && typeof returned === 'object' && typeof returned.then === 'function') {
        returned.then((value) => this.settle(nonce, value),
                      (error) => this.fail(nonce, 'error', error));
      } else if (handler.length < 3) {
        this.settle(nonce, returned);
      }  // Else it takes a callback and will use it, whatever it returned.
    } catch (error) {
      this.fail(nonce, 'error', error);
    }
  }

  // The call ends when its stream has, and what the handler returned is settled.
  invokeStreaming(nonce, meta, eventText) {
    const sink = meta.stream ? new Sender(this.channel, nonce) : new Collector();
    const stream = new ResponseStream(sink);
    this.sink = sink;
    const fail = (error) => {
      this.fail(nonce, error instanceof ResultError ? error.kind : 'error', error);
      stream.destroy();
    };
    let awaited = 2;
    const complete = () => {
      if (--awaited > 0) return;
      if (meta.stream) this.finishStream(nonce);
      else this.settle(nonce, sink.result());
    };
    stream.on('finish', complete);
    stream.on('error', fail);
    stream.on('close', () => {
      if (!stream.writableFinished) fail(new Error('the response stream was closed before its end'));
    });
    const done = (error) => {
      if (error !== undefined && error !== null) fail(error);
      else stream.end();
    };
    try {
      const returned = this.handler(parse(eventText.toString()), stream, this.makeContext(meta, done));
      Promise.resolve(returned).then(complete, fail);
    } catch (error) {
      fail(error);
    }
  }

  grant(nonce, payload) {
    // Of an earlier call, it comes too late.
    if (this.running?.equals(nonce)) this.sink?.grant(payload.readUInt32BE(0));
  }

  finishStream(nonce) {
    if (this.running !== nonce) return;
    this.running = null;
    this.sink.end();
  }

  makeContext(meta, done) {
    const { config } = this;
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
      getRemainingTimeInMillis: () => max(0, floor(deadline - now())),
      done,
      succeed: (value) => done(null, value),
      fail: (error) => done(error ?? new Error('failed')),
    };
  }

  settle(nonce, value) {
    if (this.running !== nonce) return;  // Already answered.
    let parts;
    try {
      parts = encodeResult(value);
    } catch (error) {
      this.fail(nonce, error instanceof ResultError ? error.kind : 'invalid-result', error);
      return;
    }
    if (this.running !== nonce) return;  // User code in toJSON or a getter answered.
    this.running = null;
    this.channel.send(RESULT, nonce, ...parts);
  }

  fail(nonce, kind, thrown) {
    if (this.running !== nonce) return;
    const fault = describe(thrown);
    if (this.running !== nonce) return;
    this.running = null;
    this.channel.send(ERROR, nonce, Buffer.from(stringify({ kind, ...fault })));
  }

  // Thrown from a timer or an event, or a rejection nobody handled. What was
  // running is answered; the state of the process is unknown, so it ends.
  failProcess(thrown) {
    if (this.loading !== null) this.failLoad(thrown);
    if (this.running !== null) this.fail(this.running, 'uncaught', thrown);
    else console.error(thrown);
    this.host.exit(1);
  }
}

module.exports = { Shim };
