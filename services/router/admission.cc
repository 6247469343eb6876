#include "services/router/admission.h"

#include <algorithm>

#include "base/status_macros.h"
#include "services/router/router_errors.h"

namespace so {

using serverless::function::v1::Function;

namespace {

RateLimit RateLimitOf(const Function& function) {
  return {.rate = function.rate_limit(), .burst = function.rate_burst()};
}

}  // namespace

Admission::Admission(Options options, const Clock& clock)
    : clock_(clock),
      bytes_(options.queue_bytes, options.queue_bytes_per_function),
      clients_(options.per_client) {}

absl::Status Admission::Admit(const Function& function,
                              absl::string_view client, int64_t bytes) {
  const absl::Time now = clock_.Now();
  MutexLock lock(mu_);
  Entry& entry = functions_[function.id()];
  SO_RETURN_IF_ERROR(CheckRate(function, client, entry, now));
  SO_RETURN_IF_ERROR(CheckLoad(function, bytes, entry, now));
  TakeRate(function, client, entry);
  TakeLoad(function, bytes, entry);
  return absl::OkStatus();
}

absl::Status Admission::AdmitRate(const Function& function,
                                  absl::string_view client) {
  const absl::Time now = clock_.Now();
  MutexLock lock(mu_);
  Entry& entry = functions_[function.id()];
  SO_RETURN_IF_ERROR(CheckRate(function, client, entry, now));
  TakeRate(function, client, entry);
  return absl::OkStatus();
}

absl::Status Admission::AdmitLoad(const Function& function, int64_t bytes) {
  const absl::Time now = clock_.Now();
  MutexLock lock(mu_);
  Entry& entry = functions_[function.id()];
  SO_RETURN_IF_ERROR(CheckLoad(function, bytes, entry, now));
  TakeLoad(function, bytes, entry);
  return absl::OkStatus();
}

void Admission::TakeRate(const Function& function, absl::string_view client,
                         Entry& entry) {
  clients_.Take(client);
  if (function.rate_limit() > 0) entry.bucket.Take();
}

void Admission::TakeLoad(const Function& function, int64_t bytes,
                         Entry& entry) {
  bytes_.Hold(function.id(), bytes);
  ++entry.calls;
}

absl::Status Admission::CheckRate(const Function& function,
                                  absl::string_view client, Entry& entry,
                                  absl::Time now) {
  if (const absl::Duration wait = clients_.Wait(client, now);
      wait > absl::ZeroDuration()) {
    return ClientRateLimited(wait);
  }
  if (const RateLimit limit = RateLimitOf(function);
      limit.limited() && !entry.bucket.HasToken(limit, now)) {
    return RateLimited(function.name(), limit.rate,
                       entry.bucket.UntilNext(limit, now));
  }
  return absl::OkStatus();
}

absl::Status Admission::CheckLoad(const Function& function, int64_t bytes,
                                  Entry& entry, absl::Time now) {
  if (function.concurrency_limit() > 0 &&
      entry.calls >= function.concurrency_limit()) {
    // Those above the limit, should it have been lowered, have to go first.
    return ConcurrencyLimit(
        function.name(), function.concurrency_limit(),
        entry.drained.TimeFor(entry.calls - function.concurrency_limit() + 1,
                              now));
  }
  switch (bytes_.Check(function.id(), bytes)) {
    case ByteBudget::Verdict::kFunctionFull:
      return QueueBytesFull(function.name(), bytes_.per_function(),
                            entry.drained.TimeFor(1, now));
    case ByteBudget::Verdict::kFull:
      return NoQueueBytes(bytes_.held(), drained_.TimeFor(1, now));
    case ByteBudget::Verdict::kFits:
      break;
  }
  return absl::OkStatus();
}

void Admission::Release(const std::string& function_id, int64_t bytes) {
  const absl::Time now = clock_.Now();
  MutexLock lock(mu_);
  bytes_.Release(function_id, bytes);
  drained_.Record(now);
  const auto it = functions_.find(function_id);
  if (it == functions_.end()) return;
  it->second.drained.Record(now);
  if (--it->second.calls == 0 && it->second.deleted) functions_.erase(it);
}

void Admission::ForgetFunction(const std::string& function_id) {
  MutexLock lock(mu_);
  const auto it = functions_.find(function_id);
  if (it == functions_.end()) return;
  it->second.deleted = true;
  if (it->second.calls == 0) functions_.erase(it);
}

}  // namespace so
