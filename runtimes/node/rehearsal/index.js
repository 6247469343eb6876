'use strict';
// The function that the zygote runs, so that its children find compiled what
// they need for theirs.
exports.handler = async (event, context) => {
  console.log('%s %o', context.awsRequestId, { left: context.getRemainingTimeInMillis() });
  return { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: `Hello, ${event.name}!` };
};
