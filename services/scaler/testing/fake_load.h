#pragma once

#include <string>
#include <utility>
#include <vector>

#include "services/scaler/load_source.h"
#include "services/scaler/target_sink.h"

namespace so {

// Answers readings with `loads`, at once, or when Answer() is called.
// Not thread-safe.
class FakeLoadSource final : public LoadSource {
 public:
  void Read(Done done) override {
    ++readings;
    pending_ = std::move(done);
    if (!hold) Answer();
  }

  // Precondition: a reading is waiting.
  void Answer() { std::exchange(pending_, nullptr)(loads); }

  absl::StatusOr<std::vector<FunctionLoad>> loads = std::vector<FunctionLoad>();
  bool hold = false;
  int readings = 0;

 private:
  Done pending_;
};

// Records targets and answers them with `status`, at once, or when AnswerAll()
// is called. Not thread-safe.
class FakeTargetSink final : public TargetSink {
 public:
  struct Target {
    std::string function_id;
    int desired = 0;
    absl::Duration ttl;
  };

  void SetTarget(const std::string& function_id, int desired,
                 absl::Duration ttl, Done done) override {
    targets.push_back({function_id, desired, ttl});
    pending_.push_back(std::move(done));
    if (!hold) AnswerAll();
  }

  void AnswerAll() {
    for (Done& done : std::exchange(pending_, {})) done(status);
  }

  std::vector<Target> targets;
  absl::Status status;
  bool hold = false;

 private:
  std::vector<Done> pending_;
};

}  // namespace so
