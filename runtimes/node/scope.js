'use strict';
// Which of several calls some code runs for, and so whose its output is.

const { AsyncLocalStorage } = require('node:async_hooks');

const { nextTick } = process;

class CallScope {
  // From now on what is printed inside a call is sent as its own.
  constructor() {
    this.storage = new AsyncLocalStorage();
    for (const stream of [process.stdout, process.stderr]) this.divert(stream);
  }

  run(call, code) {
    this.storage.run(call, code);
  }

  // The call that is running, if it is still open.
  current() {
    const call = this.storage.getStore();
    return call?.isOpen ? call : undefined;
  }

  divert(stream) {
    const write = stream.write.bind(stream);
    stream.write = (chunk, encoding, callback) => {
      const call = this.current();
      if (call === undefined) return write(chunk, encoding, callback);
      if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding];
      call.log(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk));
      if (typeof callback === 'function') nextTick(callback);
      return true;
    };
  }
}

module.exports = { CallScope };
