#include "services/scaler/scaler_service.h"

#include <string>

#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/time_util.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using serverless::scaler::v1::GetStatusRequest;
using serverless::scaler::v1::GetStatusResponse;

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

serverless::scaler::v1::Decision ToProto(const ControlLoop::Outcome& outcome) {
  const ScalingDecision& decision = outcome.decision;
  const FunctionLoad& inputs = decision.load;
  serverless::scaler::v1::Decision message;
  *message.mutable_time() = ToTimestamp(decision.time);
  message.set_function_id(inputs.function_id);
  message.set_function_name(inputs.function_name);
  message.set_reason(decision.reason);
  message.set_current(decision.current);
  message.set_desired(decision.desired);
  message.set_queue_depth(inputs.queue_depth);
  message.set_warm(inputs.warm);
  message.set_busy(inputs.busy);
  message.set_average_response(
      absl::ToDoubleMilliseconds(inputs.average_response));
  message.set_error_rate(inputs.error_rate.value_or(0));
  message.set_applied(outcome.applied);
  return message;
}

}  // namespace

ScalerServiceHandler::ScalerServiceHandler(const ControlLoop& loop)
    : loop_(loop) {
  Unary(&Generated::RequestGetStatus, &ScalerServiceHandler::GetStatus);
}

void ScalerServiceHandler::GetStatus(
    CallPtr<GetStatusRequest, GetStatusResponse> call) {
  GetStatusResponse& response = call->response();
  const ControlLoop::Status status = loop_.GetStatus();
  response.set_evaluations(status.evaluations);
  response.set_failed_evaluations(status.failed_evaluations);
  if (status.last_evaluation != absl::InfinitePast()) {
    *response.mutable_last_evaluation() = ToTimestamp(status.last_evaluation);
  }
  response.set_interval(absl::ToDoubleMilliseconds(status.interval));
  for (const ControlLoop::Outcome& outcome : status.recent) {
    *response.add_recent() = ToProto(outcome);
  }
  call->Finish(absl::OkStatus());
}

}  // namespace so
