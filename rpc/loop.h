#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_builder.h"

namespace so {

// The one thread of a process on which gRPC works: it reads from and writes to
// the sockets, and runs every handler, one after the other. What runs on it
// must not block. docs/adr/0013-one-grpc-thread.md says why not gRPC's callback
// API.
//
//   RpcLoop loop;                  // before what uses it
//   auto server = Server::Start({.address = address, .loop = &loop},
//   {&service}); GrpcNodeLink link(loop, MakeChannel(address), ...);
class RpcLoop {
 public:
  // Starts the thread.
  RpcLoop();
  // Joins it. Precondition: the server is gone, and every stream and call that
  // was started has ended or been cancelled.
  ~RpcLoop();
  RpcLoop(const RpcLoop&) = delete;
  RpcLoop& operator=(const RpcLoop&) = delete;

  // What operations of clients are started with.
  grpc::CompletionQueue* queue() { return queue_.get(); }

 private:
  friend class Server;

  void Run();

  // Makes the one server whose calls arrive here: gRPC lets a server use only
  // queues of its own builder.
  grpc::ServerBuilder builder_;
  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
};

// What runs on the loop when an operation is done; `ok` as gRPC says it. The
// tag of one operation at a time.
class RpcEvent {
 public:
  // Nothing runs.
  RpcEvent() = default;
  explicit RpcEvent(absl::AnyInvocable<void(bool ok)> done)
      : done_(std::move(done)) {}
  RpcEvent(const RpcEvent&) = delete;
  RpcEvent& operator=(const RpcEvent&) = delete;

  // The tag to start an operation with. `owner`, of which this is a part, lives
  // until `done` has run.
  void* Begin(std::shared_ptr<void> owner) {
    owner_ = std::move(owner);
    return this;
  }

 private:
  friend class RpcLoop;

  void Complete(bool ok) {
    const std::shared_ptr<void> owner = std::move(owner_);
    if (done_) done_(ok);
  }

  absl::AnyInvocable<void(bool)> done_;
  std::shared_ptr<void> owner_;
};

}  // namespace so
