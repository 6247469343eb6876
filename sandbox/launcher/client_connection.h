#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/unique_fd.h"
#include "sandbox/launcher/client.h"
#include "sandbox/launcher/poller.h"

namespace so {

// The connected pool. What it does not read at once waits in a queue.
class ClientConnection final : public Client {
 public:
  struct Handlers {
    // One whole message; it has been checked that its type can be read.
    absl::AnyInvocable<void(const void* data, size_t size)> on_message;
    // The connection has ended; it may be destroyed inside.
    absl::AnyInvocable<void()> on_end;
  };

  ClientConnection(UniqueFd socket, Poller& poller, Handlers handlers);

  using Client::Tell;
  void Tell(const void* message, size_t size,
            std::vector<UniqueFd> fds) override;

 private:
  struct Waiting {
    std::vector<char> bytes;
    std::vector<UniqueFd> fds;
  };

  void OnEvents(uint32_t events);
  // Whether there was something to read.
  bool ReadOne();
  void SendWaiting();
  static int Send(int socket, const Waiting& message);

  const UniqueFd socket_;
  Handlers handlers_;
  std::deque<Waiting> waiting_;
  bool ended_ = false;
  std::unique_ptr<Poller::Watch> watch_;
};

}  // namespace so
