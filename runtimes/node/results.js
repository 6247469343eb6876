'use strict';
// What a handler returned, as status, headers and JSON.

const { twoParts } = require('./channel.js');
const { ResultError, describe } = require('./errors.js');

const MAX_BODY_BYTES = 6 * 1024 * 1024;
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16 * 1024;

const { stringify, parse } = JSON;

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

function checkedStatus(statusCode) {
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 599) {
    throw new ResultError('statusCode must be an integer from 100 to 599');
  }
  return statusCode;
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
    meta = { statusCode: checkedStatus(statusCode), headers: checkedHeaders(headers) };
    json = typeof body === 'string' ? stringBodyToJson(body) : toJson(body);
  } else {
    json = toJson(value);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_BODY_BYTES) {
    throw new ResultError(`the result has ${bytes} bytes, at most ${MAX_BODY_BYTES} are allowed`,
                          'result-too-large');
  }
  return twoParts(Buffer.from(stringify(meta)), Buffer.from(json));
}

module.exports = { MAX_BODY_BYTES, checkedHeaders, checkedStatus, encodeResult };
