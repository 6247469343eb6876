// so-router: queues, dispatches and answers invocations.

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/config.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/timer_thread.h"
#include "base/worker_thread.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "serverless/config/v1/router.pb.h"
#include "services/registry/client/grpc_function_directory.h"
#include "services/router/admission.h"
#include "services/router/dispatcher.h"
#include "services/router/gateway_service.h"
#include "services/router/grpc_node_link.h"
#include "services/router/idempotency_store.h"
#include "services/router/invocation_router.h"
#include "services/router/log_store.h"
#include "services/router/router_service.h"
#include "services/router/statistics.h"

namespace {

so::Admission::Options AdmissionOptions(
    const serverless::config::v1::RouterConfig& config) {
  const int64_t bytes = config.queue_bytes();
  // Any one event must fit.
  const int64_t share =
      std::max<int64_t>(bytes * config.queue_bytes_share() / 100,
                        static_cast<int64_t>(so::kMaxEventBytes));
  return {.queue_bytes = bytes,
          .queue_bytes_per_function = share,
          .per_client = {.rate = config.client_rate_limit(),
                         .burst = config.client_rate_burst()}};
}

}  // namespace

int main(int argc, char** argv) {
  so::BlockTerminationSignals();
  serverless::config::v1::RouterConfig config;
  so::LoadConfigOrExit(argc, argv, config);
  so::InitLogging(config.log_level());
  const so::Logger log("ROUTER");

  so::RpcLoop loop;
  so::SystemClock clock;
  so::TimerThread timers(clock);
  const std::string router_id = so::MakeId("router", clock);
  so::GrpcNodeLink pool(loop, so::MakeChannel(config.pool_address()), router_id,
                        timers);
  so::Dispatcher dispatcher({.queue_depth = config.queue_depth(),
                             .queue_wait = so::ToAbsl(config.queue_wait()),
                             .max_attempts = config.max_attempts(),
                             .retry_budget = config.retry_budget(),
                             .fair_turn = so::ToAbsl(config.fair_turn())},
                            clock, timers, pool, log);
  so::Admission admission(AdmissionOptions(config), clock);
  so::IdempotencyStore idempotency({.ttl = so::ToAbsl(config.idempotency_ttl()),
                                    .bytes = config.idempotency_bytes()},
                                   clock);
  so::Statistics statistics(router_id, so::ToAbsl(config.statistics_window()),
                            clock);
  so::LogStore logs({.per_function = config.logs_per_function(),
                     .total_bytes = config.logs_total_bytes()});
  so::GrpcFunctionDirectory directory(
      loop, so::MakeChannel(config.registry_address()), timers);
  so::WorkerThread checks;
  so::InvocationRouter router(directory, admission, dispatcher, idempotency,
                              statistics, logs, clock, checks);
  directory.Subscribe(router);
  so::GatewayService gateways(router);
  so::RouterService service(router, directory, dispatcher, statistics, logs,
                            log);

  auto server =
      so::Server::Start({.address = config.listen_address(),
                         .drain_timeout = so::ToAbsl(config.drain_timeout()),
                         .loop = &loop},
                        {&service, &gateways});
  if (!server.ok()) {
    log.Error("cannot start", {{"reason", server.status().message()}});
    return 1;
  }
  pool.Connect(dispatcher);
  log.Info("listening", {{"address", config.listen_address()}});
  (*server)->ServeUntilSignal(log, [&] {
    dispatcher.Drain(so::ToAbsl(config.drain_timeout()));
    gateways.EndStreams();
  });
  checks.Stop();
  pool.Stop();
  timers.Stop();
  return 0;
}
