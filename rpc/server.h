#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "grpcpp/server.h"
#include "rpc/health_service.h"
#include "rpc/loop.h"
#include "rpc/service.h"

namespace so {

// A gRPC server with health (grpc.health.v1) and reflection.
//
//   BlockTerminationSignals();           // before any thread starts
//   auto server = Server::Start({.address = "127.0.0.1:7001"}, {&service});
//   (*server)->ServeUntilSignal(log, [&] { registry.Drain(); });
//
// Not thread-safe, except SetServing.
class Server {
 public:
  struct Options {
    // One or more, comma-separated: host:port, where port 0 picks a free one,
    // see port(); unix:PATH; unix-abstract:NAME. Over a Unix socket a call
    // between neighbours takes about half the time.
    std::string address;
    // How long calls may go on after SIGTERM.
    absl::Duration drain_timeout = absl::Seconds(10);
    // Where its handlers run, which must outlive the server and serve no other;
    // by default one of its own. Clients of the same process should use it,
    // too.
    RpcLoop* loop = nullptr;
  };

  // `services` are borrowed and must outlive the server. Fails when the address
  // is taken: two servers never share a port.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      Options options, const std::vector<AnyService*>& services);
  ~Server();

  // Of the last host:port.
  int port() const { return port_; }

  // What health answers for "" and every service: whether work is welcome.
  // True at the start. Thread-safe.
  void SetServing(bool serving);

  // Waits for SIGTERM or SIGINT, then drains: health says NOT_SERVING, `drain`
  // runs (it finishes what it can and returns within the drain timeout), then
  // the server shuts down. A second signal ends the process after one
  // second, whatever is in flight. Precondition: BlockTerminationSignals()
  // was called before any thread was started.
  void ServeUntilSignal(const Logger& log, absl::AnyInvocable<void()> drain);

  // Refuses new calls, waits up to `timeout` for the running ones, then cancels
  // them. Afterwards no handler and no callback of a call runs. Not on the
  // loop. Idempotent.
  void Shutdown(absl::Duration timeout);

  // For tests: a channel without a socket.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  Server(Options options, const std::vector<AnyService*>& services);

  absl::Status Listen();

  const Options options_;
  const std::unique_ptr<RpcLoop> own_loop_;
  RpcLoop& loop_;
  HealthService health_;
  std::vector<AnyService*> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  bool is_shut_down_ = false;
};

// Makes SIGTERM and SIGINT wait for ServeUntilSignal, and ignores SIGPIPE.
void BlockTerminationSignals();

}  // namespace so
