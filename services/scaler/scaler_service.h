#pragma once

#include "serverless/scaler/v1/scaler.grpc.pb.h"
#include "services/scaler/control_loop.h"

namespace so {

// Shows what the control loop does. `loop` is borrowed.
class ScalerServiceHandler final
    : public serverless::scaler::v1::ScalerService::CallbackService {
 public:
  explicit ScalerServiceHandler(const ControlLoop& loop) : loop_(loop) {}

  grpc::ServerUnaryReactor* GetStatus(
      grpc::CallbackServerContext* context,
      const serverless::scaler::v1::GetStatusRequest* request,
      serverless::scaler::v1::GetStatusResponse* response) override;

 private:
  const ControlLoop& loop_;
};

}  // namespace so
