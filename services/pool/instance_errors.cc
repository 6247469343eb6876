#include "services/pool/instance_errors.h"

#include <string.h>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

constexpr size_t kMaxSummaryBytes = 512;

// "TypeError: x is not a function", the first line of it.
std::string Summary(const serverless::error::v1::FunctionFault& fault) {
  std::string summary = absl::StrCat(fault.type(), ": ", fault.message());
  summary = summary.substr(0, summary.find('\n'));
  if (summary.size() <= kMaxSummaryBytes) return summary;
  size_t end = kMaxSummaryBytes;
  while (end > 0 && (summary[end] & 0xc0) == 0x80) --end;
  return absl::StrCat(summary.substr(0, end), "…");
}

std::string Milliseconds(absl::Duration duration) {
  return absl::StrCat(absl::ToInt64Milliseconds(duration), " ms");
}

}  // namespace

Error FunctionTimeout(absl::string_view name, absl::Duration timeout,
                      bool started) {
  return MakeError(
      "FUNCTION_TIMEOUT",
      absl::StrCat(name, " did not finish within ", Milliseconds(timeout)),
      started ? "yes" : "no");
}

Error FunctionCrashed(absl::string_view name, const SandboxExit& exit) {
  return MakeError("FUNCTION_CRASHED",
                   absl::StrCat(name, " ", DescribeExit(exit)), "yes");
}

Error FunctionOutOfMemory(absl::string_view name, int memory, bool started) {
  return MakeError(
      "FUNCTION_OOM",
      absl::StrCat(name, " used more than its ", memory, " MB of memory"),
      started ? "yes" : "no");
}

Error FunctionProtocolError(absl::string_view name, bool started) {
  return MakeError(
      "FUNCTION_PROTOCOL_ERROR",
      absl::StrCat("the process of ", name, " broke the runtime contract"),
      started ? "yes" : "maybe");
}

Error FunctionError(absl::string_view name, const HandlerError& handler_error) {
  switch (handler_error.kind) {
    case HandlerErrorKind::kInvalidResult:
      return MakeError(
          "FUNCTION_RESULT_INVALID",
          absl::StrCat(name, " returned what cannot be an answer: ",
                       handler_error.fault.message()),
          "yes");
    case HandlerErrorKind::kResultTooLarge:
      return MakeError("PAYLOAD_TOO_LARGE",
                       absl::StrCat(name, ": ", handler_error.fault.message()),
                       "yes");
    default:
      Error error = MakeError(
          "FUNCTION_ERROR",
          absl::StrCat(name, " failed: ", Summary(handler_error.fault)), "yes");
      *error.mutable_fault() = handler_error.fault;
      return error;
  }
}

Error ResultNotJson(absl::string_view problem) {
  return MakeError("FUNCTION_RESULT_INVALID",
                   absl::StrCat("the result is not valid JSON: ", problem),
                   "yes");
}

Error InitFailed(absl::string_view name,
                 const serverless::error::v1::FunctionFault& fault) {
  Error error = MakeError(
      "FUNCTION_INIT_FAILED",
      absl::StrCat(name, " could not be loaded: ", Summary(fault)), "no");
  *error.mutable_fault() = fault;
  return error;
}

Error InitCrashed(absl::string_view name, const SandboxExit& exit) {
  return MakeError(
      "FUNCTION_INIT_FAILED",
      absl::StrCat(name, " ", DescribeExit(exit), " while it was being loaded"),
      "no");
}

Error InitTimeout(absl::string_view name, absl::Duration timeout) {
  return MakeError(
      "FUNCTION_INIT_FAILED",
      absl::StrCat(name, " was not loaded within ", Milliseconds(timeout)),
      "no");
}

Error StartImpossible(absl::string_view name) {
  Error error =
      MakeError("UNAVAILABLE",
                absl::StrCat("no process could be started for ", name), "no");
  error.set_retryable(true);
  return error;
}

Error InstanceLost(absl::string_view name) {
  return MakeError("INSTANCE_LOST",
                   absl::StrCat("the instance of ", name,
                                " was stopped before it had finished"),
                   "maybe");
}

Error CallCancelled(absl::string_view name, bool started) {
  return MakeError(
      "CANCELLED",
      absl::StrCat(name, " was stopped because its client disconnected"),
      started ? "yes" : "maybe");
}

std::string DescribeExit(const SandboxExit& exit) {
  if (exit.signal == 0)
    return absl::StrCat("exited with code ", exit.exit_code);
  const char* name = sigabbrev_np(exit.signal);
  return name == nullptr ? absl::StrCat("was killed by signal ", exit.signal)
                         : absl::StrCat("was killed by signal ", exit.signal,
                                        " (SIG", name, ")");
}

}  // namespace so
