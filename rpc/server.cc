#include "rpc/server.h"

#include <signal.h>

#include <cstdlib>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "rpc/channel.h"

namespace so {
namespace {

sigset_t TerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for a termination signal; false when `timeout` passed first.
bool WaitForSignal(absl::Duration timeout) {
  const sigset_t signals = TerminationSignals();
  const timespec limit = absl::ToTimespec(timeout);
  return sigtimedwait(&signals, nullptr, &limit) > 0;
}

// The full names of what clients can call.
absl::flat_hash_set<std::string> NamesOf(
    const std::vector<AnyService*>& services) {
  absl::flat_hash_set<std::string> names = {"grpc.health.v1.Health"};
  for (AnyService* service : services) names.insert(service->name());
  return names;
}

}  // namespace

void BlockTerminationSignals() {
  // Debian builds Abseil with deadlock detection for every absl::Mutex, gRPC's
  // included; it costs a third of the latency of a stream message.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const sigset_t signals = TerminationSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    Options options, const std::vector<AnyService*>& services) {
  std::unique_ptr<Server> server(new Server(std::move(options), services));
  SO_RETURN_IF_ERROR(server->Listen());
  return server;
}

Server::Server(Options options, const std::vector<AnyService*>& services)
    : options_(std::move(options)),
      own_loop_(options_.loop == nullptr ? std::make_unique<RpcLoop>()
                                         : nullptr),
      loop_(own_loop_ == nullptr ? *options_.loop : *own_loop_),
      health_(NamesOf(services)),
      services_(services) {
  services_.push_back(&health_);
}

absl::Status Server::Listen() {
  // Reflection is gRPC's own and synchronous. Because the server also has a
  // queue that is polled, its threads sleep until there is something to
  // reflect.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::EnableDefaultHealthCheckService(false);
  grpc::ServerBuilder& builder = loop_.builder_;
  // Without this a second server on the same port starts, and the kernel
  // splits the connections between the two.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Half of what clients keep, or gRPC might take a punctual one for a flood.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
                             kWindowBytes);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  const std::vector<std::string> addresses =
      absl::StrSplit(options_.address, ',');
  std::vector<int> ports(addresses.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    builder.AddListeningPort(addresses[i], grpc::InsecureServerCredentials(),
                             &ports[i]);
  }
  for (AnyService* service : services_) {
    builder.RegisterService(&service->generated());
  }
  server_ = builder.BuildAndStart();
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (server_ == nullptr || ports[i] == 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options_.address));
    }
    // gRPC calls the port of a Unix socket 1.
    if (!absl::StartsWith(addresses[i], "unix")) port_ = ports[i];
  }
  for (AnyService* service : services_) service->Listen(loop_.queue_.get());
  return absl::OkStatus();
}

Server::~Server() { Shutdown(absl::ZeroDuration()); }

void Server::SetServing(bool serving) { health_.SetServing(serving); }

void Server::ServeUntilSignal(const Logger& log,
                              absl::AnyInvocable<void()> drain) {
  while (!WaitForSignal(absl::Hours(1))) {
  }
  log.Info("draining", {{"timeout", options_.drain_timeout}});
  SetServing(false);
  const absl::Time deadline = absl::Now() + options_.drain_timeout;
  std::jthread impatience([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (!WaitForSignal(absl::Milliseconds(100))) continue;
      // Not by grpc::Server::Shutdown, which returns only when every call has
      // been finished.
      log.Warn("second signal: stopping within one second");
      absl::SleepFor(absl::Seconds(1));
      if (!stop.stop_requested()) std::_Exit(0);
      return;
    }
  });
  drain();
  Shutdown(deadline - absl::Now());
  impatience.request_stop();
  impatience.join();
  log.Info("stopped");
}

void Server::Shutdown(absl::Duration timeout) {
  if (server_ == nullptr || std::exchange(is_shut_down_, true)) return;
  // They would last for as long as their clients.
  health_.EndWatches();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + timeout));
  server_->Wait();
  for (AnyService* service : services_) service->WaitUntilQuiet();
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  return server_->InProcessChannel(arguments);
}

}  // namespace so
