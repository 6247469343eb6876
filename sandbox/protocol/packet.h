#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "base/unique_fd.h"

namespace so {

// Packets with descriptors over SOCK_SEQPACKET Unix sockets. All functions
// return 0 or an errno; none raises SIGPIPE.

// Most descriptors that one packet carries.
inline constexpr size_t kMaxPacketFds = 16;

// Sends `size` bytes as one packet, with `count` borrowed descriptors beside
// it. EAGAIN when the socket does not block and is full.
int SendPacket(int socket, const void* data, size_t size,
               const int* fds = nullptr, size_t count = 0);

// Receives one packet of at most `capacity` bytes into `data`. `size` is 0 when
// the other end has closed. Descriptors are close-on-exec. EMSGSIZE when the
// packet, or the number of its descriptors, does not fit: it is lost then.
int ReceivePacket(int socket, void* data, size_t capacity, size_t& size,
                  std::vector<UniqueFd>& fds);

template <typename Message>
int SendMessage(int socket, const Message& message,
                std::initializer_list<int> fds = {}) {
  return SendPacket(socket, &message, sizeof(message), fds.begin(), fds.size());
}

}  // namespace so
