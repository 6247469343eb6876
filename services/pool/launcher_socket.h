#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace so {

// One packet from the launcher, with the descriptors that came beside it.
struct LauncherPacket {
  std::string bytes;
  std::vector<UniqueFd> descriptors;
};

// A connected, non-blocking SOCK_SEQPACKET socket. UNAVAILABLE says why not.
absl::StatusOr<UniqueFd> ConnectToLauncher(const std::string& path);

// The next packet. UNAVAILABLE: none now; any other error: the connection has
// ended or the packet is larger than any message.
absl::StatusOr<LauncherPacket> ReceivePacket(int fd);

// False when it has to wait. An error that the connection has is found by the
// next ReceivePacket.
bool SendPacket(int fd, const std::string& bytes);

}  // namespace so
