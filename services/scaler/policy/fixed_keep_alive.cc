#include "services/scaler/policy/fixed_keep_alive.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

// As the pool has them: idle_timeout, max_age.
constexpr absl::Duration kPlatformIdle = absl::Seconds(60);
constexpr absl::Duration kPlatformAge = absl::Minutes(5);

}  // namespace

FixedKeepAlive::FixedKeepAlive(std::string name, const WarmPlan& plan,
                               const SpareRule& spare)
    : name_(std::move(name)), plan_(plan), spare_(spare) {}

FixedKeepAlive FixedKeepAlive::For(absl::Duration keep) {
  return FixedKeepAlive(absl::StrCat("fixed:", absl::FormatDuration(keep)),
                        {.keep = keep});
}

FixedKeepAlive FixedKeepAlive::PlatformDefaults() {
  return FixedKeepAlive(
      "platform",
      {.keep = kPlatformIdle, .max_age = kPlatformAge, .replace_aged = true});
}

FixedKeepAlive FixedKeepAlive::WithoutReplacement() {
  return FixedKeepAlive("platform-no-replace",
                        {.keep = kPlatformIdle, .max_age = kPlatformAge});
}

FixedKeepAlive FixedKeepAlive::SeedDefaults() {
  return FixedKeepAlive("seed",
                        {.keep = kPlatformIdle, .max_age = kPlatformAge},
                        {.instances = 2, .interval = absl::Seconds(5)});
}

KeepAliveDecision FixedKeepAlive::Decide(const GapHistogram& gaps,
                                         const FunctionProfile& profile) const {
  return {.profile = profile, .gaps = gaps.total(), .plan = plan_};
}

}  // namespace so
