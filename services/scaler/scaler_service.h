#pragma once

#include "rpc/service.h"
#include "serverless/scaler/v1/scaler.grpc.pb.h"
#include "services/scaler/control_loop.h"

namespace so {

// Shows what the control loop does. `loop` is borrowed.
class ScalerServiceHandler final
    : public Service<serverless::scaler::v1::ScalerService> {
 public:
  explicit ScalerServiceHandler(const ControlLoop& loop);

 private:
  void GetStatus(CallPtr<serverless::scaler::v1::GetStatusRequest,
                         serverless::scaler::v1::GetStatusResponse>
                     call);

  const ControlLoop& loop_;
};

}  // namespace so
