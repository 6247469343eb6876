// so-pool: the instances of one node.
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "base/config.h"
#include "base/log.h"
#include "base/timer_thread.h"
#include "base/worker_thread.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "serverless/config/v1/pool.pb.h"
#include "services/pool/build_service.h"
#include "services/pool/builder.h"
#include "services/pool/code_cache.h"
#include "services/pool/directory_listener.h"
#include "services/pool/event_loop.h"
#include "services/pool/instance_pool.h"
#include "services/pool/launcher_client.h"
#include "services/pool/launcher_sandbox.h"
#include "services/pool/node_memory.h"
#include "services/pool/parked_pool.h"
#include "services/pool/pool_service.h"
#include "services/pool/pool_settings.h"
#include "services/pool/runtime_catalog.h"
#include "services/pool/start_steps.h"
#include "services/pool/task_queue.h"
#include "services/registry/client/grpc_code_source.h"
#include "services/registry/client/grpc_function_directory.h"

namespace so {
namespace {

// What is left of the drain timeout for ending processes and streams.
constexpr absl::Duration kClosingTime = absl::Seconds(1);
// Archives being unpacked and handlers being tried at the same time, and those
// that may wait; then the same for builds, which take much longer.
constexpr int kMaxTasks = 4;
constexpr size_t kMaxWaitingTasks = 256;
constexpr int kMaxBuilds = 2;
constexpr size_t kMaxWaitingBuilds = 64;

template <typename T>
T OrExit(const Logger& log, absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  log.Error("cannot start", {{"reason", value.status().message()}});
  std::_Exit(1);  // Not exit: threads are running.
}

// Each sandbox takes some descriptors.
void RaiseOpenFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// What makes the sandboxes of this node; everything in it lives on the loop
// thread.
class Node {
 public:
  Node(const serverless::config::v1::PoolConfig& config, EventLoop& loop,
       Clock& clock) {
    loop.Run([&] {
      launcher_ = std::make_unique<LauncherClient>(
          std::filesystem::absolute(config.launcher_socket()).string(), loop);
      parked_ = std::make_unique<ParkedPool>(ParkingOptions(config), *launcher_,
                                             clock, loop, steps_);
      sandbox_ = std::make_unique<LauncherSandbox>(*launcher_, *parked_, loop,
                                                   clock, steps_);
    });
  }

  Sandbox& sandbox() { return *sandbox_; }
  const ParkedPool& parked() const { return *parked_; }
  StartSteps& steps() { return steps_; }

  // `listener` hears why no sandboxes can be made; empty when they can.
  void Connect(std::function<void(const std::string&)> listener) {
    listener_ = std::move(listener);
    launcher_->Subscribe([this] {
      if (listener_) listener_(launcher_->state().problem);
    });
    listener_(launcher_->state().problem);
    launcher_->Connect();
  }
  void ForgetListener() { listener_ = nullptr; }

  void Close() {
    sandbox_.reset();
    parked_.reset();
    launcher_.reset();
  }

 private:
  StartSteps steps_;
  std::unique_ptr<LauncherClient> launcher_;
  std::unique_ptr<ParkedPool> parked_;
  std::unique_ptr<LauncherSandbox> sandbox_;
  std::function<void(const std::string&)> listener_;
};

int Main(int argc, char** argv) {
  BlockTerminationSignals();
  RaiseOpenFileLimit();
  serverless::config::v1::PoolConfig config;
  LoadConfigOrExit(argc, argv, config);
  InitLogging(config.log_level());
  const Logger log("POOL");
  const RuntimeCatalog runtimes =
      OrExit(log, RuntimeCatalog::Load(config.runtimes_dir()));
  const std::string data_dir =
      std::filesystem::absolute(config.data_dir()).string();
  RpcLoop rpc;
  SystemClock clock;
  TimerThread timers(clock);
  const auto channel = MakeChannel(config.registry_address());
  auto directory =
      std::make_unique<GrpcFunctionDirectory>(rpc, channel, timers);
  EventLoop loop;
  WorkerThread disk;
  WorkerThread checks;
  GrpcCodeSource source(rpc, channel);
  Node node(config, loop, clock);
  auto tasks = std::make_unique<TaskQueue>(
      TaskQueue::Options{.parallel = kMaxTasks, .depth = kMaxWaitingTasks},
      node.sandbox(), loop);
  auto builds = std::make_unique<TaskQueue>(
      TaskQueue::Options{.parallel = kMaxBuilds, .depth = kMaxWaitingBuilds},
      node.sandbox(), loop);
  auto code = OrExit(log, CodeCache::Create({.dir = data_dir + "/code",
                                             .runtimes = runtimes,
                                             .tasks = *tasks,
                                             .builds = *builds,
                                             .disk = disk,
                                             .loop = loop},
                                            source));
  auto builder = std::make_unique<Builder>(Builder::Dependencies{
      .runtimes = runtimes, .cache = *code, .tasks = *tasks});
  const InstanceContext instances{
      .clock = clock,
      .timers = loop,
      .sandbox = node.sandbox(),
      .log = log,
      .executor = loop,
      .worker = checks,
      .init_timeout = ToAbsl(config.init_timeout()),
      .freeze_after = ToAbsl(config.freeze_after()),
      .terminate_grace = ToAbsl(config.terminate_grace()),
      .log_limit = static_cast<size_t>(config.log_limit())};
  const SystemMemory memory;
  std::unique_ptr<InstancePool> pool;
  loop.Run([&] {
    pool = std::make_unique<InstancePool>(
        PoolOptions(config),
        InstancePool::Dependencies{instances, *directory, *code, runtimes,
                                   node.steps(), loop, &memory});
  });
  PoolService service(loop, *pool, node.parked(), node.steps());
  PoolNodeService node_service(loop, *pool);
  BuildService build_service(loop, *builder);
  DirectoryListener listener(loop, *pool);
  directory->Subscribe(listener);
  const absl::Duration drain_timeout = ToAbsl(config.drain_timeout());
  auto server =
      OrExit(log, Server::Start({.address = config.listen_address(),
                                 .drain_timeout = drain_timeout,
                                 .loop = &rpc},
                                {&service, &node_service, &build_service}));
  log.Info("serving",
           {{"address", config.listen_address()}, {"data_dir", data_dir}});
  bool stopping = false;  // Of the loop thread.
  loop.Run([&] {
    node.Connect([&](const std::string& problem) {
      node_service.SetProblem(problem);
      if (!stopping) server->SetServing(problem.empty());
    });
  });
  server->ServeUntilSignal(log, [&] {
    std::promise<void> drained;
    loop.Post([&] {
      stopping = true;
      pool->Drain(drain_timeout - kClosingTime, [&] {
        node_service.EndStreams();
        drained.set_value();
      });
    });
    drained.get_future().wait();
  });
  loop.Run([&] { node.ForgetListener(); });
  server.reset();
  // Before the listener, to which it reports; the drained pool needs it no
  // more.
  directory.reset();
  // On the loop thread, like everything that touches it.
  loop.Run([&] {
    builder.reset();
    pool.reset();
    code.reset();
    builds.reset();
    tasks.reset();
    node.Close();
  });
  return 0;
}

}  // namespace
}  // namespace so

int main(int argc, char** argv) { return so::Main(argc, argv); }
