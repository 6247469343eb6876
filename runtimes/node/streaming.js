'use strict';
// Handlers that write their answer bit by bit: the `awslambda` of AWS Lambda,
// and the stream that such a handler writes to.

const { Writable } = require('node:stream');

const { DATA, END, HEAD, MAX_PIECE_BYTES } = require('./channel.js');
const { ResultError } = require('./errors.js');
const { MAX_BODY_BYTES, checkedHeaders, checkedStatus } = require('./results.js');

const { stringify } = JSON;
const { min } = Math;

// As far as the pool lets a call write before it has heard of its reader.
const WINDOW_BYTES = 256 * 1024;

// AWS's own name for it, which libraries look for.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

function streamifyResponse(handler) {
  handler[STREAMING] = 'response';
  return handler;
}

const streams = (handler) => handler[STREAMING] === 'response';

// Where a stream goes to that the caller wants while it is written.
class Sender {
  constructor(channel, nonce) {
    this.channel = channel;
    this.nonce = nonce;
    this.credit = WINDOW_BYTES;
    this.rest = null;
    this.written = null;
  }

  head(head) {
    this.channel.send(HEAD, this.nonce, Buffer.from(stringify(head)));
  }

  // Calls `written` once all of it is on its way.
  data(chunk, written) {
    let offset = 0;
    while (offset < chunk.length && this.credit > 0) {
      const end = min(chunk.length, offset + min(this.credit, MAX_PIECE_BYTES));
      this.credit -= end - offset;
      this.channel.send(DATA, this.nonce, chunk.subarray(offset, end));
      offset = end;
    }
    if (offset === chunk.length) return written();
    this.rest = chunk.subarray(offset);
    this.written = written;
  }

  grant(bytes) {
    this.credit += bytes;
    if (this.rest === null) return;
    const { rest, written } = this;
    this.rest = this.written = null;
    this.data(rest, written);
  }

  end() {
    this.channel.send(END, this.nonce);
  }
}

// Where a stream goes to that the caller wants as a whole.
class Collector {
  constructor() {
    this.answer = null;
    this.chunks = [];
    this.bytes = 0;
  }

  head(head) {
    this.answer = head;
  }

  data(chunk, written) {
    this.bytes += chunk.length;
    if (this.bytes > MAX_BODY_BYTES) {
      return written(new ResultError(
        `the result has more than ${MAX_BODY_BYTES} bytes; only a streamed answer may`,
        'result-too-large'));
    }
    // The function may use its buffer again.
    this.chunks.push(Buffer.from(chunk));
    written();
  }

  grant() {}

  // What a handler that does not stream would have returned.
  result() {
    return { ...this.answer, body: Buffer.concat(this.chunks).toString() };
  }
}

// Later ones win, in whatever case they are written.
function mergedHeaders(...all) {
  const merged = new Map();
  for (const headers of all) {
    for (const [name, value] of Object.entries(headers)) merged.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(merged.values());
}

// What the handler writes to.
class ResponseStream extends Writable {
  #sink;
  #head = { statusCode: 200, headers: {} };
  #headSent = false;

  constructor(sink) {
    super();
    this.#sink = sink;
  }

  setContentType(type) {
    this.#setHead(this.#head.statusCode, { 'Content-Type': type });
  }

  #setHead(statusCode, headers) {
    if (this.#headSent) throw new Error('the head of the answer has been sent already');
    const merged = mergedHeaders(this.#head.headers, checkedHeaders(headers));
    this.#head = { statusCode: checkedStatus(statusCode), headers: checkedHeaders(merged) };
  }

  // With the first byte: until then an error can still take its place.
  #sendHead() {
    if (this.#headSent) return;
    this.#headSent = true;
    this.#sink.head(this.#head);
  }

  _write(chunk, encoding, written) {
    this.#sendHead();
    this.#sink.data(chunk, written);
  }

  _final(done) {
    this.#sendHead();
    done();
  }

  static from(stream, { statusCode = 200, headers } = {}) {
    stream.#setHead(statusCode, headers);
    return stream;
  }
}

const awslambda = {
  streamifyResponse,
  HttpResponseStream: { from: ResponseStream.from },
};

module.exports = { Collector, ResponseStream, Sender, awslambda, streams };
