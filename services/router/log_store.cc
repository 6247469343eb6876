#include "services/router/log_store.h"

namespace so {

using serverless::router::v1::InvocationLog;

namespace {

InvocationLog ToLog(const Receipt& receipt, absl::Time ended) {
  InvocationLog log;
  log.set_request_id(receipt.request_id());
  log.set_instance_id(receipt.instance_id());
  log.set_version(receipt.version());
  log.set_status_code(receipt.status_code());
  log.set_error_code(receipt.error().code());
  log.set_duration(receipt.duration());
  log.set_cold_start(receipt.cold_start());
  *log.mutable_logs() = receipt.logs();
  log.set_logs_truncated(receipt.logs_truncated());
  const int64_t nanos = absl::ToUnixNanos(ended);
  log.mutable_time()->set_seconds(nanos / 1'000'000'000);
  log.mutable_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return log;
}

}  // namespace

void LogStore::Add(const Receipt& receipt, absl::Time ended) {
  if (options_.per_function == 0) return;
  Entry entry{
      .sequence = 0, .bytes = 0, .ended = ended, .log = ToLog(receipt, ended)};
  entry.bytes = static_cast<int64_t>(entry.log.SpaceUsedLong());
  if (entry.bytes > options_.total_bytes) return;

  MutexLock lock(mu_);
  const auto function = functions_.try_emplace(receipt.function_id()).first;
  entry.sequence = next_sequence_++;
  bytes_ += entry.bytes;
  by_age_.emplace(entry.sequence, function->first);
  function->second.push_back(std::move(entry));
  if (function->second.size() > static_cast<size_t>(options_.per_function)) {
    DropOldest(function);
  }
  while (bytes_ > options_.total_bytes) {
    DropOldest(functions_.find(by_age_.begin()->second));
  }
}

void LogStore::DropOldest(std::map<std::string, Entries>::iterator function) {
  const Entry& oldest = function->second.front();
  bytes_ -= oldest.bytes;
  by_age_.erase(oldest.sequence);
  function->second.pop_front();
  if (function->second.empty()) functions_.erase(function);
}

void LogStore::ForgetFunction(const std::string& function_id) {
  MutexLock lock(mu_);
  const auto it = functions_.find(function_id);
  if (it == functions_.end()) return;
  for (const Entry& entry : it->second) {
    bytes_ -= entry.bytes;
    by_age_.erase(entry.sequence);
  }
  functions_.erase(it);
}

std::vector<InvocationLog> LogStore::List(const std::string& function_id,
                                          absl::string_view request_id,
                                          absl::Time since, int limit) const {
  std::vector<InvocationLog> logs;
  MutexLock lock(mu_);
  const auto it = functions_.find(function_id);
  if (it == functions_.end()) return logs;
  for (auto entry = it->second.rbegin();
       entry != it->second.rend() && static_cast<int>(logs.size()) < limit;
       ++entry) {
    if (entry->ended < since) break;
    if (!request_id.empty() && entry->log.request_id() != request_id) continue;
    logs.push_back(entry->log);
  }
  return logs;
}

}  // namespace so
