#pragma once

#include <string>
#include <string_view>

#include "sandbox/init/http_message.h"

namespace so::init {

// What the pool is told of a response: docs/runtime-contract.md, "What a
// handler returns".
struct MappedResult {
  // Empty when this can be an answer, else the `kind` of ERROR.
  std::string_view fault_kind;
  std::string fault_message;
  // Payload of RESULT.
  std::string payload;
};

// From a POST to .../response.
MappedResult MapResult(const HttpRequest& response);

}  // namespace so::init
