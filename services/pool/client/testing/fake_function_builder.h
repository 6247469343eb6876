#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "services/pool/client/function_builder.h"

namespace so {

// Finds nothing wrong with any code, unless told otherwise. Thread-safe.
class FakeFunctionBuilder final : public FunctionBuilder {
 public:
  using Response = serverless::pool::v1::BuildResponse;
  using Request = serverless::pool::v1::BuildRequest;

  void Build(Request request, std::shared_ptr<Cancellation> caller,
             OnBuilt done) override {
    absl::StatusOr<Response> answer;
    {
      MutexLock lock(mu_);
      requests_.push_back(std::move(request));
      if (hold_) {
        held_.push_back(std::move(done));
        callers_.push_back(std::move(caller));
        return;
      }
      answer = answer_;
    }
    done(std::move(answer));
  }

  // What all further builds are answered.
  void AnswerWith(absl::StatusOr<Response> answer) {
    MutexLock lock(mu_);
    answer_ = std::move(answer);
  }
  // Whether further builds wait for Release.
  void Hold(bool hold) {
    MutexLock lock(mu_);
    hold_ = hold;
  }
  // Answers the build that has waited longest.
  void Release() {
    OnBuilt done;
    absl::StatusOr<Response> answer;
    {
      MutexLock lock(mu_);
      done = std::move(held_.front());
      held_.erase(held_.begin());
      answer = answer_;
    }
    done(std::move(answer));
  }

  std::vector<Request> requests() const {
    MutexLock lock(mu_);
    return requests_;
  }
  size_t held() const {
    MutexLock lock(mu_);
    return held_.size();
  }
  // Of the n-th build that was held.
  std::shared_ptr<Cancellation> caller(size_t n) const {
    MutexLock lock(mu_);
    return callers_.at(n);
  }

 private:
  mutable Mutex mu_;
  absl::StatusOr<Response> answer_ ABSL_GUARDED_BY(mu_) = Response();
  bool hold_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Request> requests_ ABSL_GUARDED_BY(mu_);
  std::vector<OnBuilt> held_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<Cancellation>> callers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
