#include "services/router/receipts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

using google::protobuf::RepeatedPtrField;

// What the user printed, between the platform's own lines.
void AddLogs(const Invocation& invocation,
             const RepeatedPtrField<std::string>& printed, Receipt& receipt) {
  auto& logs = *receipt.mutable_logs();
  logs.Reserve(printed.size() + 4);
  *logs.Add() = absl::StrCat("[START] Request ", invocation.request_id);
  *logs.Add() = absl::StrCat("[INFO] Function: ", invocation.function->name(),
                             " (", invocation.function->id(), ")");
  if (!invocation.instance_id.empty()) {
    *logs.Add() = absl::StrCat("[INFO] Instance: ", invocation.instance_id);
  }
  logs.MergeFrom(printed);
  *logs.Add() = absl::StrCat("[END] Request ", invocation.request_id);
}

Receipt Begin(const Invocation& invocation) {
  const ColdStart& cold = invocation.cold;
  Receipt receipt;
  receipt.set_request_id(invocation.request_id);
  receipt.set_function_id(invocation.function->id());
  receipt.set_function_name(invocation.function->name());
  receipt.set_version(invocation.function->version());
  receipt.set_instance_id(invocation.instance_id);
  receipt.set_cold_start(cold.cold);
  auto& phases = *receipt.mutable_phases();
  if (cold.cold) {
    phases.set_start(cold.start_ms);
    phases.set_init(cold.init_ms);
  }
  if (!invocation.instance_id.empty()) {
    const double waited =
        absl::ToDoubleMilliseconds(invocation.dispatched - invocation.enqueued);
    phases.set_queue(std::max(0.0, waited - phases.start() - phases.init()));
  }
  return receipt;
}

}  // namespace

Receipt ResultReceipt(const Invocation& invocation,
                      serverless::pool::v1::Result result) {
  Receipt receipt = Begin(invocation);
  AddLogs(invocation, result.logs(), receipt);
  receipt.set_status_code(result.status_code());
  receipt.set_body(std::move(*result.mutable_body()));
  receipt.mutable_headers()->swap(*result.mutable_headers());
  receipt.set_logs_truncated(result.logs_truncated());
  receipt.set_duration(result.duration());
  receipt.set_memory_used(result.memory_used());
  receipt.set_cpu_time(result.cpu_time());
  receipt.mutable_phases()->set_handler(result.duration());
  if (result.has_error()) {
    *receipt.mutable_error() = std::move(*result.mutable_error());
  }
  return receipt;
}

Receipt ErrorReceipt(const Invocation& invocation,
                     serverless::error::v1::Error error,
                     const RepeatedPtrField<std::string>& printed) {
  Receipt receipt = Begin(invocation);
  AddLogs(invocation, printed, receipt);
  *receipt.mutable_error() = std::move(error);
  return receipt;
}

}  // namespace so
