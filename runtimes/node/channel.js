'use strict';
// The frames of the runtime contract (docs/runtime-contract.md) on a socket.

const { writeSync } = require('node:fs');
const net = require('node:net');

const CONTRACT_VERSION = 1;
const CONFIG = 1, INVOKE = 2, CREDIT = 3;
const HELLO = 16, READY = 17, INIT_ERROR = 18, STARTED = 19, RESULT = 20, ERROR = 21;
const HEAD = 22, DATA = 23, END = 24, LOG = 25;
const NONCE_BYTES = 16;
const HEAD_BYTES = 4 + 1 + NONCE_BYTES;
const MAX_FRAME_BYTES = 6 * 1024 * 1024 + 64 * 1024;
// Of one DATA or LOG.
const MAX_PIECE_BYTES = 64 * 1024;
const READ_BYTES = 64 * 1024;
const NO_NONCE = Buffer.alloc(NONCE_BYTES);

const { min } = Math;
const wait = Atomics.wait.bind(Atomics, new Int32Array(new SharedArrayBuffer(4)), 0, 0);

class Channel {
  // `end(code)` is called when the channel cannot be used any more.
  constructor(fd, end) {
    this.fd = fd;
    this.end = end;
    this.socket = null;
    this.head = Buffer.alloc(HEAD_BYTES);
    this.headBytes = 0;
    this.payload = null;
    this.payloadBytes = 0;
  }

  // Writes a whole frame before it returns, so that nothing user code does next,
  // process.exit included, can cut it short.
  send(type, nonce, ...parts) {
    let bytes = 1 + NONCE_BYTES;
    for (const part of parts) bytes += part.length;
    const frame = Buffer.allocUnsafe(4 + bytes);
    frame.writeUInt32BE(bytes, 0);
    frame[4] = type;
    nonce.copy(frame, 5);
    let offset = HEAD_BYTES;
    for (const part of parts) offset += part.copy(frame, offset);
    for (let sent = 0; sent < frame.length;) {
      try {
        sent += writeSync(this.fd, frame, sent);
      } catch (error) {
        if (error.code !== 'EAGAIN') return this.end(0);  // The pool is gone.
        wait(1);
      }
    }
  }

  // Prepares to call onFrame(type, nonce, payload) for every frame that arrives.
  open(onFrame) {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes, buffer) => {
        this.take(buffer.subarray(0, bytes), onFrame);
        return true;
      },
    };
    this.socket = new net.Socket(
      { fd: this.fd, readable: true, writable: false, manualStart: true, onread });
    this.socket.on('close', () => this.end(0));
    this.socket.on('error', () => this.end(0));
  }

  listen() {
    this.socket.read(0);
  }

  take(chunk, onFrame) {
    for (let offset = 0; offset < chunk.length || this.complete();) {
      if (this.complete()) {
        const nonce = Buffer.from(this.head.subarray(5));
        const payload = this.payload;
        this.payload = null;
        this.headBytes = this.payloadBytes = 0;
        onFrame(this.head[4], nonce, payload);
      } else if (this.payload === null) {
        offset += this.takeHead(chunk, offset);
      } else {
        const copied = chunk.copy(this.payload, this.payloadBytes, offset);
        this.payloadBytes += copied;
        offset += copied;
      }
    }
  }

  takeHead(chunk, offset) {
    const copied = chunk.copy(this.head, this.headBytes, offset,
                              min(chunk.length, offset + HEAD_BYTES - this.headBytes));
    this.headBytes += copied;
    if (this.headBytes === HEAD_BYTES) {
      const length = this.head.readUInt32BE(0);
      if (length < 1 + NONCE_BYTES || length > MAX_FRAME_BYTES) this.end(1);
      this.payload = Buffer.allocUnsafe(length - 1 - NONCE_BYTES);
    }
    return copied;
  }

  complete() {
    return this.payload !== null && this.payloadBytes === this.payload.length;
  }
}

// Two parts as one payload: the length of the first, the first, the second.
function twoParts(first, second) {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(first.length, 0);
  return [length, first, second];
}

module.exports = {
  CONTRACT_VERSION, CONFIG, INVOKE, CREDIT, HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR,
  HEAD, DATA, END, LOG, MAX_PIECE_BYTES, NO_NONCE, Channel, twoParts,
};
