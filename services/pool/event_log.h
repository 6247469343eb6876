#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "serverless/pool/v1/pool.pb.h"

namespace so {

// The latest decisions of the pool about instances, numbered from 1. What is
// older than `capacity` events is forgotten. For the loop thread.
class EventLog {
 public:
  static constexpr size_t kCapacity = 2000;
  // Of one answer: with texts as long as they may be, far below the 4 MiB that
  // a message may have.
  static constexpr size_t kMaxListed = 500;
  static constexpr size_t kMaxDetailBytes = 256;

  // `clock` is borrowed. `pool_id` is new with each start of the pool.
  EventLog(std::string pool_id, const Clock& clock, size_t capacity = kCapacity)
      : pool_id_(std::move(pool_id)), clock_(clock), capacity_(capacity) {}

  // Numbers it, stamps it with the time, and cuts off a detail that is too
  // long.
  void Add(serverless::pool::v1::PoolEvent event);

  // The oldest events with a larger number than `after`, at most kMaxListed:
  // who gets so many asks again, after the last of them.
  serverless::pool::v1::ListEventsResponse After(int64_t after) const;

 private:
  const std::string pool_id_;
  const Clock& clock_;
  const size_t capacity_;
  int64_t last_ = 0;
  std::deque<serverless::pool::v1::PoolEvent> events_;
};

// For people: "350 ms" below a second, else "61.3 s".
std::string InWords(absl::Duration duration);
// "1 instance stays", "2 instances stay".
std::string StayInWords(int instances);

}  // namespace so
