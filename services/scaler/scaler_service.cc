#include "services/scaler/scaler_service.h"

#include <string>
#include <utility>

#include "services/scaler/decision_message.h"

namespace so {

using serverless::scaler::v1::GetStatusRequest;
using serverless::scaler::v1::GetStatusResponse;
using serverless::scaler::v1::GetWarmingRequest;
using serverless::scaler::v1::GetWarmingResponse;
using serverless::scaler::v1::ListDecisionsRequest;
using serverless::scaler::v1::ListDecisionsResponse;

ScalerServiceHandler::ScalerServiceHandler(const ControlLoop& loop,
                                           FunctionDirectory& directory,
                                           DecisionReader& decisions)
    : loop_(loop), directory_(directory), decisions_(decisions) {
  Unary(&Generated::RequestGetStatus, &ScalerServiceHandler::GetStatus);
  Unary(&Generated::RequestListDecisions, &ScalerServiceHandler::ListDecisions);
  Unary(&Generated::RequestGetWarming, &ScalerServiceHandler::GetWarming);
}

void ScalerServiceHandler::GetStatus(
    CallPtr<GetStatusRequest, GetStatusResponse> call) {
  GetStatusResponse& response = call->response();
  ControlLoop::Status status = loop_.GetStatus();
  response.set_evaluations(status.evaluations);
  response.set_failed_evaluations(status.failed_evaluations);
  if (status.last_evaluation != absl::InfinitePast()) {
    *response.mutable_last_evaluation() = ToTimestamp(status.last_evaluation);
  }
  response.set_interval(absl::ToDoubleMilliseconds(status.interval));
  for (ControlLoop::Decision& decision : status.recent) {
    *response.add_recent() = std::move(decision);
  }
  for (std::string& policy : status.policies) {
    response.add_policies(std::move(policy));
  }
  response.set_prediction(std::string(ToString(status.prediction)));
  call->Finish(absl::OkStatus());
}

void ScalerServiceHandler::ListDecisions(
    CallPtr<ListDecisionsRequest, ListDecisionsResponse> call) {
  decisions_.List(call->request(),
                  [call](absl::StatusOr<ListDecisionsResponse> response) {
                    if (!response.ok()) return call->Finish(response.status());
                    call->response() = *std::move(response);
                    call->Finish(absl::OkStatus());
                  });
}

void ScalerServiceHandler::GetWarming(
    CallPtr<GetWarmingRequest, GetWarmingResponse> call) {
  directory_.Resolve(call->request().function(),
                     [this, call](absl::StatusOr<FunctionPtr> function) {
                       if (!function.ok())
                         return call->Finish(function.status());
                       auto warming = loop_.GetWarming((*function)->id());
                       if (!warming.ok()) return call->Finish(warming.status());
                       call->response() = *std::move(warming);
                       call->Finish(absl::OkStatus());
                     });
}

}  // namespace so
