#include "services/pool/event_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

void SetTime(absl::Time time, google::protobuf::Timestamp& timestamp) {
  const int64_t nanos = absl::ToUnixNanos(time);
  timestamp.set_seconds(nanos / 1'000'000'000);
  timestamp.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

// Not within a character of several bytes.
void CutOff(std::string& text, size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && (text[bytes] & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
}

}  // namespace

void EventLog::Add(pb::PoolEvent event) {
  event.set_sequence(++last_);
  SetTime(clock_.WallNow(), *event.mutable_time());
  CutOff(*event.mutable_detail(), kMaxDetailBytes);
  events_.push_back(std::move(event));
  if (events_.size() > capacity_) events_.pop_front();
}

pb::ListEventsResponse EventLog::After(int64_t after) const {
  pb::ListEventsResponse response;
  response.set_pool_id(pool_id_);
  auto next = std::upper_bound(
      events_.begin(), events_.end(), after,
      [](int64_t a, const pb::PoolEvent& b) { return a < b.sequence(); });
  for (size_t n = 0; n < kMaxListed && next != events_.end(); ++n, ++next) {
    *response.add_events() = *next;
  }
  return response;
}

std::string InWords(absl::Duration duration) {
  return duration < absl::Seconds(1)
             ? absl::StrFormat("%.0f ms", absl::ToDoubleMilliseconds(duration))
             : absl::StrFormat("%.6g s",
                               absl::ToDoubleMilliseconds(absl::Trunc(
                                   duration, absl::Milliseconds(100))) /
                                   1000);
}

std::string StayInWords(int instances) {
  return absl::StrCat(instances,
                      instances == 1 ? " instance stays" : " instances stay");
}

}  // namespace so
