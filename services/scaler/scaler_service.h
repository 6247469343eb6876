#pragma once

#include "rpc/service.h"
#include "serverless/scaler/v1/scaler.grpc.pb.h"
#include "services/registry/client/function_directory.h"
#include "services/scaler/control_loop.h"
#include "services/scaler/decision_reader.h"

namespace so {

// Shows what the control loop does, and what was decided before. All borrowed.
class ScalerServiceHandler final
    : public Service<serverless::scaler::v1::ScalerService> {
 public:
  ScalerServiceHandler(const ControlLoop& loop, FunctionDirectory& directory,
                       DecisionReader& decisions);

 private:
  void GetStatus(CallPtr<serverless::scaler::v1::GetStatusRequest,
                         serverless::scaler::v1::GetStatusResponse>
                     call);
  void ListDecisions(CallPtr<serverless::scaler::v1::ListDecisionsRequest,
                             serverless::scaler::v1::ListDecisionsResponse>
                         call);
  void GetWarming(CallPtr<serverless::scaler::v1::GetWarmingRequest,
                          serverless::scaler::v1::GetWarmingResponse>
                      call);

  const ControlLoop& loop_;
  FunctionDirectory& directory_;
  DecisionReader& decisions_;
};

}  // namespace so
