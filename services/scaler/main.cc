// so-scaler: watches load and tells the pools how many instances are wanted.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/time_zone.h"
#include "base/timer_thread.h"
#include "base/worker_thread.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "serverless/config/v1/scaler.pb.h"
#include "services/registry/client/grpc_function_directory.h"
#include "services/scaler/archive/archive.h"
#include "services/scaler/control_loop.h"
#include "services/scaler/decision_reader.h"
#include "services/scaler/event_collector.h"
#include "services/scaler/grpc_invocation_logs.h"
#include "services/scaler/grpc_load_source.h"
#include "services/scaler/grpc_pool_event_source.h"
#include "services/scaler/grpc_target_sink.h"
#include "services/scaler/policy/keep_alive_policies.h"
#include "services/scaler/policy_list.h"
#include "services/scaler/scaler_service.h"

namespace {

using serverless::config::v1::ScalerConfig;

// A router or pool that does not answer for this long is taken for missing.
constexpr absl::Duration kCallTimeout = absl::Seconds(2);

// The keep-alive policy is owned apart, because settings are copied.
struct Scaling {
  std::unique_ptr<const so::KeepAlivePolicy> keep_alive;
  so::ScalingSettings settings;
};

absl::Status Named(const char* setting, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(setting, ": ", problem));
}

absl::StatusOr<Scaling> ToScaling(const ScalerConfig& config) {
  auto keep_alive = so::ParseKeepAlivePolicy(config.keep_alive());
  if (!keep_alive.ok()) {
    return Named("keep_alive", keep_alive.status().message());
  }
  auto policies = so::ParsePolicyList(config.policies());
  if (!policies.ok()) return Named("policies", policies.status().message());
  Scaling scaling{.keep_alive = *std::move(keep_alive)};
  so::ScalingSettings& settings = scaling.settings;
  auto zone = so::FindTimeZone(config.time_zone());
  if (!zone.ok()) return Named("time_zone", zone.status().message());
  settings.time_zone = *zone;
  settings.keep_alive = scaling.keep_alive.get();
  settings.policies = *std::move(policies);
  settings.interval = so::ToAbsl(config.evaluation_interval());
  settings.prediction = so::ParsePredictionSetting(config.prediction());
  settings.thresholds = {
      .queue_depth = config.queue_depth_threshold(),
      .min_warm = config.min_warm(),
      .response_time = so::ToAbsl(config.response_time_threshold()),
      .error_rate = config.error_rate_threshold(),
      .max_step = config.max_step()};
  settings.concurrency.utilisation = config.target_utilization();
  settings.concurrency.scale_down_delay = so::ToAbsl(config.scale_down_delay());
  // A sample is not old before the next one can be there.
  settings.concurrency.stale_after =
      std::max(settings.concurrency.stale_after, 3 * settings.interval);
  settings.drain.target_wait = so::ToAbsl(config.target_wait());
  settings.latency.target_response =
      so::ToAbsl(config.response_time_threshold());
  settings.latency.refused = config.error_rate_threshold();
  return scaling;
}

std::vector<std::shared_ptr<grpc::Channel>> PoolChannels(
    const ScalerConfig& config) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (absl::string_view address :
       absl::StrSplit(config.pool_address(), ',', absl::SkipWhitespace())) {
    channels.push_back(so::MakeChannel(std::string(address)));
  }
  return channels;
}

int Fail(const so::Logger& log, const absl::Status& status) {
  log.Error("cannot start", {{"problem", status.message()}});
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  so::BlockTerminationSignals();
  ScalerConfig config;
  so::LoadConfigOrExit(argc, argv, config);
  so::InitLogging(config.log_level());
  const so::Logger log("AUTOSCALER");

  const absl::StatusOr<Scaling> scaling = ToScaling(config);
  if (!scaling.ok()) return Fail(log, scaling.status());
  auto database =
      so::ArchiveDatabase::Open(config.data_dir(), config.decisions_kept());
  if (!database.ok()) return Fail(log, database.status());
  auto learned = (*database)->LoadLearned();
  auto cursors = (*database)->LoadCursors();
  if (!learned.ok()) return Fail(log, learned.status());
  if (!cursors.ok()) return Fail(log, cursors.status());

  const so::SystemClock clock;
  const auto registry = so::MakeChannel(config.registry_address());
  const auto router = so::MakeChannel(config.router_address());
  const auto pools = PoolChannels(config);
  so::RpcLoop rpc;
  so::TimerThread timers(clock);
  so::WorkerThread disk;
  so::Archive archive(*std::move(database), disk);
  so::GrpcFunctionDirectory directory(rpc, registry, timers);
  so::GrpcLoadSource source(rpc, router, pools, kCallTimeout);
  so::GrpcTargetSink sink(rpc, pools, kCallTimeout);
  so::GrpcPoolEventSource events(rpc, pools, kCallTimeout);
  so::GrpcInvocationLogs logs(rpc, router, kCallTimeout);
  so::ControlLoop loop({.scaling = scaling->settings}, {.source = source,
                                                        .sink = sink,
                                                        .directory = directory,
                                                        .memory = archive,
                                                        .clock = clock,
                                                        .timers = timers});
  loop.Restore(*std::move(learned));
  so::EventCollector collector(
      {.interval = scaling->settings.interval, .cursors = *std::move(cursors)},
      {.source = events,
       .directory = directory,
       .archive = archive,
       .loop = loop,
       .timers = timers});
  so::DecisionReader decisions(
      {.directory = directory, .archive = archive, .logs = logs});
  so::ScalerServiceHandler service(loop, directory, decisions);

  auto server =
      so::Server::Start({.address = config.listen_address(),
                         .drain_timeout = so::ToAbsl(config.drain_timeout()),
                         .loop = &rpc},
                        {&service});
  if (!server.ok()) return Fail(log, server.status());
  loop.Start();
  collector.Start();
  log.Info("serving", {{"address", config.listen_address()},
                       {"interval_ms", scaling->settings.interval},
                       {"policies", config.policies()},
                       {"prediction", config.prediction()}});
  (*server)->ServeUntilSignal(log, [&] {
    collector.Stop();
    loop.Stop();
  });
  // What was decided and learned is on disk before the thread ends.
  disk.Finish();
  return EXIT_SUCCESS;
}
