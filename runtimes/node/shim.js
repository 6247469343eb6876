'use strict';
// Runs one function in a Node.js process, for its whole life: from HELLO to the
// end of its channel. What it needs from the standard library is fetched before
// any user code runs.

const { Call } = require('./call.js');
const {
  CONTRACT_VERSION, CONFIG, INVOKE, CREDIT, HELLO, READY, INIT_ERROR, NO_NONCE, Channel,
} = require('./channel.js');
const { ResultError, describeInit } = require('./errors.js');
const { loadHandler } = require('./loader.js');
const { CallScope } = require('./scope.js');
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
    // Nonce of CONFIG, while the code is loaded.
    this.loading = null;
    // Invocations that are not answered yet.
    this.calls = new Set();
    // Tells them apart; null where there is one at a time.
    this.scope = null;
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
      if (this.config.concurrency > 1) this.scope = new CallScope();
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
    const eventText = payload.subarray(metaEnd);
    const call = new Call(this.channel, nonce, this.calls);
    if (this.scope === null) this.run(call, meta, eventText);
    else this.scope.run(call, () => this.run(call, meta, eventText));
  }

  run(call, meta, eventText) {
    if (this.streams) return this.runStreaming(call, meta, eventText);
    const done = (error, value) => {
      if (error !== undefined && error !== null) call.fail('error', error);
      else call.settle(value);
    };
    const { handler } = this;
    try {
      const returned = handler(parse(eventText.toString()), this.makeContext(meta, done), done);
      if (returned !== null && typeof returned === 'object' && typeof returned.then === 'function') {
        returned.then((value) => call.settle(value), (error) => call.fail('error', error));
      } else if (handler.length < 3) {
        call.settle(returned);
      }  // Else it takes a callback and will use it, whatever it returned.
    } catch (error) {
      call.fail('error', error);
    }
  }

  // The call ends when its stream has, and what the handler returned is settled.
  runStreaming(call, meta, eventText) {
    const sink = meta.stream ? new Sender(this.channel, call.nonce) : new Collector();
    const stream = new ResponseStream(sink);
    call.sink = sink;
    const fail = (error) => {
      call.fail(error instanceof ResultError ? error.kind : 'error', error);
      stream.destroy();
    };
    let awaited = 2;
    const complete = () => {
      if (--awaited > 0) return;
      if (meta.stream) call.finishStream();
      else call.settle(sink.result());
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

  // Of an earlier call, it comes too late.
  grant(nonce, payload) {
    for (const call of this.calls) {
      if (call.nonce.equals(nonce)) call.sink?.grant(payload.readUInt32BE(0));
    }
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

  // Thrown from a timer or an event, or a rejection nobody handled. What was
  // running is answered; the state of the process is unknown, so it ends.
  failProcess(thrown) {
    if (this.loading !== null) this.failLoad(thrown);
    // It takes all calls along; one of them says so.
    const call = this.scope?.current() ?? this.calls.values().next().value;
    if (call === undefined) console.error(thrown);
    else call.fail('uncaught', thrown);
    this.host.exit(1);
  }
}

module.exports = { Shim };
