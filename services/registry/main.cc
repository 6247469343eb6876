// so-registry: owns functions, their versions and their code.
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "serverless/config/v1/registry.pb.h"
#include "services/pool/client/grpc_function_builder.h"
#include "services/registry/function_registry.h"
#include "services/registry/registry_feed_service.h"
#include "services/registry/registry_service.h"
#include "services/registry/sqlite_function_store.h"

namespace so {
namespace {

absl::Status Run(const serverless::config::v1::RegistryConfig& config,
                 const Logger& log) {
  RpcLoop loop;
  const SystemClock clock;
  SO_ASSIGN_OR_RETURN(const auto store,
                      SqliteFunctionStore::Create(config.data_dir()));
  auto builder = std::make_unique<GrpcFunctionBuilder>(
      loop, MakeChannel(config.pool_address()));
  SO_ASSIGN_OR_RETURN(
      const auto registry,
      FunctionRegistry::Create(
          {.write_queue_depth = static_cast<size_t>(config.write_queue_depth()),
           .watch_history = static_cast<size_t>(config.watch_history())},
          *store, *builder, clock));
  RegistryService service(*registry);
  RegistryFeedService feed_service(*registry);
  SO_ASSIGN_OR_RETURN(
      auto server,
      Server::Start({.address = config.listen_address(),
                     .drain_timeout = ToAbsl(config.drain_timeout()),
                     .loop = &loop},
                    {&service, &feed_service}));
  log.Info("registry ready", {{"listen_address", config.listen_address()},
                              {"functions", registry->size()},
                              {"revision", registry->revision()}});
  server->ServeUntilSignal(log, [&] { registry->Drain(); });
  // Its builds call back into the registry.
  server.reset();
  builder.reset();
  return absl::OkStatus();
}

}  // namespace
}  // namespace so

int main(int argc, char** argv) {
  so::BlockTerminationSignals();
  serverless::config::v1::RegistryConfig config;
  so::LoadConfigOrExit(argc, argv, config);
  so::InitLogging(config.log_level());
  const so::Logger log("REGISTRY");
  if (const absl::Status status = so::Run(config, log); !status.ok()) {
    log.Error("registry cannot run",
              {{"reason", std::string(status.message())}});
    return 1;
  }
  return 0;
}
