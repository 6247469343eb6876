#pragma once

#include <future>
#include <utility>

#include "absl/functional/any_invocable.h"

namespace so {

// Starts something that answers through a callback, and waits for the answer:
//   auto created = Await<absl::StatusOr<Function>>(
//       [&](auto done) { registry.Create(f, std::move(done)); });
template <typename Result, typename Start>
Result Await(Start start) {
  std::promise<Result> promise;
  start(absl::AnyInvocable<void(Result)>(
      [&promise](Result result) { promise.set_value(std::move(result)); }));
  return promise.get_future().get();
}

}  // namespace so
