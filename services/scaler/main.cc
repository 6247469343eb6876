// so-scaler: watches load and asks the pool for instances.

#include <cstdlib>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/timer_thread.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "serverless/config/v1/scaler.pb.h"
#include "services/scaler/control_loop.h"
#include "services/scaler/grpc_load_source.h"
#include "services/scaler/grpc_target_sink.h"
#include "services/scaler/scaler_service.h"

namespace {

// A router or pool that does not answer for this long is taken for missing.
constexpr absl::Duration kCallTimeout = absl::Seconds(2);

so::ControlLoop::Options LoopOptions(
    const serverless::config::v1::ScalerConfig& config) {
  return {.interval = so::ToAbsl(config.evaluation_interval()),
          .policy = {
              .queue_depth = config.queue_depth_threshold(),
              .min_warm = config.min_warm(),
              .response_time = so::ToAbsl(config.response_time_threshold()),
              .error_rate = config.error_rate_threshold(),
              .max_step = config.max_step(),
          }};
}

}  // namespace

int main(int argc, char** argv) {
  so::BlockTerminationSignals();
  serverless::config::v1::ScalerConfig config;
  so::LoadConfigOrExit(argc, argv, config);
  so::InitLogging(config.log_level());
  const so::Logger log("AUTOSCALER");

  const so::SystemClock clock;
  const auto router = so::MakeChannel(config.router_address());
  const auto pool = so::MakeChannel(config.pool_address());
  so::RpcLoop rpc;
  so::GrpcLoadSource source(rpc, router, pool, kCallTimeout);
  so::GrpcTargetSink sink(rpc, pool, kCallTimeout);
  so::TimerThread timers(clock);
  so::ControlLoop loop(
      LoopOptions(config),
      {.source = source, .sink = sink, .clock = clock, .timers = timers});
  so::ScalerServiceHandler service(loop);

  auto server =
      so::Server::Start({.address = config.listen_address(),
                         .drain_timeout = so::ToAbsl(config.drain_timeout()),
                         .loop = &rpc},
                        {&service});
  if (!server.ok()) {
    log.Error("cannot start", {{"problem", server.status().message()}});
    return EXIT_FAILURE;
  }
  loop.Start();
  log.Info("serving",
           {{"address", config.listen_address()},
            {"interval_ms", so::ToAbsl(config.evaluation_interval())}});
  (*server)->ServeUntilSignal(log, [&] { loop.Stop(); });
  return EXIT_SUCCESS;
}
