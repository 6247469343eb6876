#pragma once

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/error.h"
#include "serverless/pool/v1/pool.pb.h"

namespace so {

// A caller that waits until instances are warm. Answers once, when the last of
// them is warm or has failed, or when it is cancelled.
class WarmCall {
 public:
  using OnDone = absl::AnyInvocable<void(
      absl::StatusOr<serverless::pool::v1::WarmResponse>)>;

  WarmCall(int requested, OnDone done)
      : requested_(requested), done_(std::move(done)) {}

  int requested() const { return requested_; }
  const std::string& function_id() const { return function_id_; }
  void set_function_id(const std::string& id) { function_id_ = id; }
  // One more thing to wait for; Release, Warmed and Failed each settle one and
  // return whether it was the last: then comes Finish.
  void Expect() { ++pending_; }
  bool Release() { return --pending_ == 0; }
  bool Warmed();
  bool Failed(const Error& error);
  // Answers with what has become warm, or with the first failure when nothing
  // has.
  void Finish(int total, int warm);
  // Answers with `status`, whatever is still expected.
  void Fail(const absl::Status& status);

 private:
  const int requested_;
  std::string function_id_;
  OnDone done_;
  int pending_ = 0;
  int warmed_ = 0;
  absl::Status failure_;
};

// The status of a call that failed because no instance could be had.
absl::Status StartFailureStatus(const Error& error);

}  // namespace so
