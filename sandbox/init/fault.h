#pragma once

#include <string>
#include <string_view>

#include "sandbox/init/http_message.h"

namespace so::init {

// The fault that a POST to .../error or init/error describes, as the payload of
// ERROR with this `kind`, or of INIT_ERROR when `kind` is empty. Within the
// bounds of docs/runtime-contract.md, whatever the request holds.
std::string FaultPayload(std::string_view kind, const HttpRequest& error);

// The same of an error of our own.
std::string FaultPayload(std::string_view kind, std::string_view type,
                         std::string_view message);

// The fault in the trailers of a response that failed on its way, or an empty
// text when there is none.
std::string TrailerFaultPayload(const HttpRequest& response);

}  // namespace so::init
