// Values that must differ between any two instances.
const crypto = require("crypto");

exports.handler = async () => ({
  "Math.random": Math.random(),
  "random bytes": crypto.randomBytes(16).toString("hex"),
  "random UUID": crypto.randomUUID(),
  "web crypto": Buffer.from(crypto.webcrypto.getRandomValues(new Uint8Array(16))).toString("hex"),
  "key": crypto.generateKeySync("hmac", { length: 128 }).export().toString("hex"),
});
