#include "services/scaler/policy/keep_alive_policies.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/scaler/policy/cost_optimal.h"
#include "services/scaler/policy/fixed_keep_alive.h"
#include "services/scaler/policy/hybrid_histogram.h"

namespace so {
namespace {

using Policy = std::unique_ptr<const KeepAlivePolicy>;

absl::Status Unknown(absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("no policy \"", name,
                   "\"; there are fixed:TIME (fixed:10m; at most 24h), "
                   "seed, platform, platform-no-replace, hybrid, optimal and "
                   "optimal:PRICE (optimal:0.01; above 0)"));
}

}  // namespace

absl::StatusOr<Policy> ParseKeepAlivePolicy(absl::string_view name) {
  absl::string_view rest = name;
  if (absl::ConsumePrefix(&rest, "fixed:")) {
    absl::Duration keep;
    if (!absl::ParseDuration(rest, &keep) || keep < absl::ZeroDuration() ||
        keep > absl::Hours(24)) {
      return Unknown(name);
    }
    return std::make_unique<FixedKeepAlive>(FixedKeepAlive::For(keep));
  }
  if (absl::ConsumePrefix(&rest, "optimal:")) {
    CostOptimal::Options options;
    if (!absl::SimpleAtod(rest, &options.price) || !(options.price > 0) ||
        !std::isfinite(options.price)) {
      return Unknown(name);
    }
    return std::make_unique<CostOptimal>(options);
  }
  if (name == "optimal") return std::make_unique<CostOptimal>();
  if (name == "hybrid") return std::make_unique<HybridHistogram>();
  if (name == "seed") {
    return std::make_unique<FixedKeepAlive>(FixedKeepAlive::SeedDefaults());
  }
  if (name == "platform") {
    return std::make_unique<FixedKeepAlive>(FixedKeepAlive::PlatformDefaults());
  }
  if (name == "platform-no-replace") {
    return std::make_unique<FixedKeepAlive>(
        FixedKeepAlive::WithoutReplacement());
  }
  return Unknown(name);
}

}  // namespace so
