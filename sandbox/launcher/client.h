#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace so {

// Whom the launcher's answers go to: messages of sandbox/protocol/messages.h.
class Client {
 public:
  virtual ~Client() = default;

  virtual void Tell(const void* message, size_t size,
                    std::vector<UniqueFd> fds) = 0;

  template <typename Message>
  void Tell(const Message& message, std::vector<UniqueFd> fds = {}) {
    Tell(&message, sizeof(message), std::move(fds));
  }
};

}  // namespace so
