#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "serverless/function/v1/function.pb.h"
#include "services/scaler/policy/scaling_policy.h"
#include "services/scaler/scaling_settings.h"

namespace so {

// "concurrency,drain" as a list. InvalidArgument names what is no policy, or
// there twice, and the names that there are. Empty text is an empty list: only
// calls and the bounds of functions decide.
absl::StatusOr<std::vector<std::string>> ParsePolicyList(
    absl::string_view text);

// The policies in force for one function: those it names itself, or else those
// of `settings`, but for "prediction" when it has an idle timeout of its own.
std::vector<std::string> PolicyNames(
    const serverless::function::v1::Function& function,
    const ScalingSettings& settings);

// The policy of that name for one function, as the function says or else as
// `settings` do. Null for "history" and "prediction", which learn at all times
// and so are not made anew with each change of a function, and for any name
// that is no policy.
std::unique_ptr<ScalingPolicy> MakePolicy(
    absl::string_view name, const serverless::function::v1::Function& function,
    const ScalingSettings& settings);

}  // namespace so
