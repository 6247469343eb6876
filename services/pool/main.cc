// so-pool: the instances of one node.
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>

#include "base/config.h"
#include "base/log.h"
#include "base/timer_thread.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "serverless/config/v1/pool.pb.h"
#include "services/pool/code_cache.h"
#include "services/pool/directory_listener.h"
#include "services/pool/disk_thread.h"
#include "services/pool/event_loop.h"
#include "services/pool/instance_pool.h"
#include "services/pool/pool_service.h"
#include "services/pool/pool_settings.h"
#include "services/pool/process_sandbox.h"
#include "services/pool/runtime_catalog.h"
#include "services/registry/client/grpc_code_source.h"
#include "services/registry/client/grpc_function_directory.h"

namespace so {
namespace {

// What is left of the drain timeout for ending processes and streams.
constexpr absl::Duration kClosingTime = absl::Seconds(1);

template <typename T>
T OrExit(const Logger& log, absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  log.Error("cannot start", {{"reason", value.status().message()}});
  std::_Exit(1);  // Not exit: threads are running.
}

int Main(int argc, char** argv) {
  BlockTerminationSignals();
  serverless::config::v1::PoolConfig config;
  LoadConfigOrExit(argc, argv, config);
  InitLogging(config.log_level());
  const Logger log("POOL");
  for (const auto& path : {config.data_dir(), config.runtimes_dir()}) {
    if (const auto status = CheckReachable(path, config.instance_uid());
        !status.ok()) {
      log.Error("cannot start", {{"reason", status.message()}});
      return 1;
    }
  }
  const RuntimeCatalog runtimes =
      OrExit(log, RuntimeCatalog::Load(config.runtimes_dir()));
  const std::string data_dir =
      std::filesystem::absolute(config.data_dir()).string();
  SystemClock clock;
  TimerThread timers(clock);
  const auto channel = MakeChannel(config.registry_address());
  auto directory = std::make_unique<GrpcFunctionDirectory>(channel, timers);
  EventLoop loop;
  DiskThread disk;
  GrpcCodeSource source(channel);
  const auto code = OrExit(log, CodeCache::Create({.dir = data_dir + "/code",
                                                   .runtimes = runtimes,
                                                   .disk = disk,
                                                   .loop = loop},
                                                  source));
  const auto sandbox = OrExit(
      log,
      ProcessSandbox::Create({.work_dir = data_dir + "/instances",
                              .uid = static_cast<uid_t>(config.instance_uid())},
                             loop));
  const InstanceContext instances{
      .clock = clock,
      .timers = loop,
      .sandbox = *sandbox,
      .log = log,
      .init_timeout = ToAbsl(config.init_timeout()),
      .terminate_grace = ToAbsl(config.terminate_grace()),
      .log_limit = static_cast<size_t>(config.log_limit())};
  std::unique_ptr<InstancePool> pool;
  loop.Run([&] {
    pool = std::make_unique<InstancePool>(
        PoolOptions(config), InstancePool::Dependencies{instances, *directory,
                                                        *code, runtimes, loop});
  });
  PoolService service(loop, *pool);
  PoolNodeService node_service(loop, *pool);
  DirectoryListener listener(loop, *pool);
  directory->Subscribe(listener);
  const absl::Duration drain_timeout = ToAbsl(config.drain_timeout());
  auto server = OrExit(log, Server::Start({.address = config.listen_address(),
                                           .drain_timeout = drain_timeout},
                                          {&service, &node_service}));
  log.Info("serving",
           {{"address", config.listen_address()}, {"data_dir", data_dir}});
  server->ServeUntilSignal(log, [&] {
    std::promise<void> drained;
    loop.Post([&] {
      pool->Drain(drain_timeout - kClosingTime, [&] {
        node_service.EndStreams();
        drained.set_value();
      });
    });
    drained.get_future().wait();
  });
  server.reset();
  // Before the listener, to which it reports; the drained pool needs it no
  // more.
  directory.reset();
  // On the loop thread, like everything that touches it.
  loop.Run([&] { pool.reset(); });
  return 0;
}

}  // namespace
}  // namespace so

int main(int argc, char** argv) { return so::Main(argc, argv); }
