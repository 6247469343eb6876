'use strict';
// One invocation, from INVOKE to its one answer.

const { STARTED, RESULT, ERROR, LOG, MAX_PIECE_BYTES } = require('./channel.js');
const { ResultError, describe } = require('./errors.js');
const { encodeResult } = require('./results.js');

const { stringify } = JSON;

class Call {
  // `open` is the set of those that are not answered yet; it is in it at once.
  constructor(channel, nonce, open) {
    this.channel = channel;
    this.nonce = nonce;
    this.open = open;
    // Where its stream goes to, if it has one.
    this.sink = null;
    open.add(this);
    channel.send(STARTED, nonce);
  }

  get isOpen() {
    return this.open.has(this);
  }

  settle(value) {
    if (!this.isOpen) return;  // Already answered.
    let parts;
    try {
      parts = encodeResult(value);
    } catch (error) {
      this.fail(error instanceof ResultError ? error.kind : 'invalid-result', error);
      return;
    }
    // User code in toJSON or a getter may have answered.
    if (this.open.delete(this)) this.channel.send(RESULT, this.nonce, ...parts);
  }

  fail(kind, thrown) {
    if (!this.isOpen) return;
    const fault = describe(thrown);
    if (!this.open.delete(this)) return;
    this.channel.send(ERROR, this.nonce, Buffer.from(stringify({ kind, ...fault })));
  }

  finishStream() {
    if (this.open.delete(this)) this.sink.end();
  }

  log(bytes) {
    for (let offset = 0; offset < bytes.length; offset += MAX_PIECE_BYTES) {
      this.channel.send(LOG, this.nonce, bytes.subarray(offset, offset + MAX_PIECE_BYTES));
    }
  }
}

module.exports = { Call };
