#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "serverless/error/v1/error.pb.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/registry/client/function_directory.h"

namespace so {

// The JSON inside frames; docs/runtime-contract.md has the fields and bounds.
// What comes from an instance is not trusted: each Parse function checks
// everything and answers INVALID_ARGUMENT for a violation of the contract.

// Payload of CONFIG.
std::string ConfigPayload(const serverless::function::v1::Function& function,
                          absl::string_view instance_id,
                          absl::string_view code_dir);

// First part of the payload of INVOKE; the event is the second.
std::string InvokeMeta(absl::string_view request_id, absl::Duration timeout,
                       bool stream);

// Payload of CREDIT.
std::string CreditPayload(int32_t bytes);

// Payload of HELLO.
absl::Status CheckHello(absl::string_view payload);

// Payload of HEAD.
absl::StatusOr<serverless::pool::v1::ResponseHead> ParseHead(
    absl::string_view payload);

// Payload of RESULT.
struct HandlerResult {
  serverless::pool::v1::ResponseHead head;
  std::string body;
};
absl::StatusOr<HandlerResult> ParseResult(absl::string_view payload);

// Payload of INIT_ERROR.
absl::StatusOr<serverless::error::v1::FunctionFault> ParseFault(
    absl::string_view payload);

// Payload of ERROR.
enum class HandlerErrorKind {
  kError,
  // The process ends after it.
  kUncaught,
  kInvalidResult,
  kResultTooLarge,
};
struct HandlerError {
  HandlerErrorKind kind;
  serverless::error::v1::FunctionFault fault;
};
absl::StatusOr<HandlerError> ParseHandlerError(absl::string_view payload);

}  // namespace so
