#include "services/scaler/decision_message.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/time_util.h"

namespace so {

using google::protobuf::util::TimeUtil;
using serverless::scaler::v1::Decision;

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

Decision ToMessage(const ScalingDecision& decision) {
  const FunctionLoad& load = decision.load;
  Decision message;
  *message.mutable_time() = ToTimestamp(decision.time);
  message.set_function_id(load.function_id);
  message.set_function_name(load.function_name);
  message.set_action(std::string(ToString(decision.action)));
  message.set_reason(decision.reason);
  message.set_current(decision.current);
  message.set_desired(decision.desired);
  message.set_queue_depth(load.queue_depth);
  message.set_warm(load.warm);
  message.set_busy(load.busy);
  message.set_warming(load.warming);
  message.set_concurrency(load.concurrency);
  message.set_average_response(
      absl::ToDoubleMilliseconds(load.average_response));
  message.set_error_rate(load.error_rate.value_or(0));
  message.set_decided_by("scaler");
  for (const Proposal& proposal : decision.proposals) {
    auto& added = *message.add_proposals();
    added.set_policy(proposal.policy);
    added.set_wanted(proposal.wanted);
    added.set_formula(proposal.formula);
  }
  for (const std::string& clamp : decision.clamps) message.add_clamps(clamp);
  if (decision.idle_timeout.has_value()) {
    message.set_detail(
        absl::StrCat("instances beyond may be idle for ",
                     absl::FormatDuration(*decision.idle_timeout)));
  }
  return message;
}

void LogDecision(const Logger& log, const Decision& decision,
                 const absl::Status& status) {
  log.Info(decision.action(),
           {{"function_id", decision.function_id()},
            {"function_name", decision.function_name()},
            {"reason", decision.reason()},
            {"current", decision.current()},
            {"desired", decision.desired()},
            {"queue_depth", decision.queue_depth()},
            {"warm", decision.warm()},
            {"busy", decision.busy()},
            {"warming", decision.warming()},
            {"concurrency", decision.concurrency()},
            {"clamps", absl::StrJoin(decision.clamps(), ",")},
            {"result", absl::StatusCodeToString(status.code())}});
}

}  // namespace so
