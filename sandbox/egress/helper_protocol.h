#pragma once

#include <cstddef>
#include <cstdint>

// How the launcher starts so-egress, the helper that gives one sandbox its
// outbound network:
//
//   so-egress UID [RANGE...]
//
// UID is the sandbox's user on the host; the ranges are those that are allowed
// although they are not public. The helper ends when the launcher closes its
// end of the report socket.
namespace so::egress {

// Descriptors that the helper is started with.
inline constexpr int kReportFd = 3;  // SOCK_SEQPACKET
inline constexpr int kNetworkNamespaceFd = 4;
inline constexpr int kUserNamespaceFd = 5;

inline constexpr size_t kStepBytes = 96;

// Its only message: the network is up, or `step` failed and the helper ends.
struct HelperReport {
  int32_t error = 0;
  char step[kStepBytes] = {};
};

}  // namespace so::egress
