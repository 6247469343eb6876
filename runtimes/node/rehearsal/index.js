'use strict';
// The function that is run before there is one.
exports.handler = async (event, context) => {
  const left = context.getRemainingTimeInMillis();
  return { statusCode: 200, headers: { left }, body: `Hello, ${event.name}!` };
};
