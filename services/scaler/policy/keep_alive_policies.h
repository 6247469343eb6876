#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/scaler/policy/keep_alive_policy.h"

namespace so {

// A policy by its name:
//   fixed:10m            every instance for that time; 0s to 24h
//   seed                 60 s, instances of 5 min let go, two free while some
//   are
//                        busy
//   platform             60 s, instances of 5 min replaced ahead
//   platform-no-replace  60 s, instances of 5 min let go
//   hybrid               HybridHistogram
//   optimal              CostOptimal
//   optimal:0.01         the same with that price, above 0
// Anything else is InvalidArgument, with the names that there are.
absl::StatusOr<std::unique_ptr<const KeepAlivePolicy>> ParseKeepAlivePolicy(
    absl::string_view name);

}  // namespace so
