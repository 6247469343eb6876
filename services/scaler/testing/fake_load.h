#pragma once

#include <string>
#include <utility>
#include <vector>

#include "services/scaler/archive/archive.h"
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
  void Answer() {
    Done done = std::exchange(pending_, nullptr);
    if (!status.ok()) return done(status);
    done(LoadReading{.router_id = router_id, .loads = loads});
  }

  std::vector<FunctionLoad> loads;
  absl::Status status;
  std::string router_id = "router-1";
  bool hold = false;
  int readings = 0;

 private:
  Done pending_;
};

// Records targets and answers them with `status`, at once, or when AnswerAll()
// is called. Not thread-safe.
class FakeTargetSink final : public TargetSink {
 public:
  void SetTarget(const Target& target, Done done) override {
    targets.push_back(target);
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

// Remembers in lists. Not thread-safe.
class FakeMemory final : public ScalerMemory {
 public:
  using Decision = serverless::scaler::v1::Decision;
  using LearnedFunction = serverless::scaler::v1::LearnedFunction;

  void Record(std::vector<Decision> more) override {
    decisions.insert(decisions.end(), more.begin(), more.end());
  }
  void Save(std::vector<LearnedFunction> functions) override {
    ++saves;
    learned = std::move(functions);
  }
  void Forget(std::string function_id) override {
    forgotten.push_back(std::move(function_id));
  }

  std::vector<Decision> decisions;
  std::vector<LearnedFunction> learned;
  int saves = 0;
  std::vector<std::string> forgotten;
};

}  // namespace so
