#pragma once

#include <cstddef>
#include <cstdint>

// What the launcher and a zygote, and a new sandbox and the launcher, say to
// each other: packets in host byte order, type first, as in
// sandbox/protocol/messages.h.
//
//   launcher                            zygote
//                                  ◀──  ZygoteReady (or ZygoteFailed, before it
//                                       has become one)
//   ForkRequest{id} + descriptors  ──▶
//                                  ◀──  Forked{id} + pidfd
//                                       child, on the report socket
//                                  ◀──  ChildReport + mount namespace
//                                  ◀──  Died{id}, once the child has ended
//
// A zygote ends when the launcher closes its socket.
namespace so::isolation {

enum class ZygoteMessage : uint32_t {
  kFork = 1,
  kReady = 16,
  kFailed = 17,
  kForked = 18,
  kDied = 19,
  kReport = 32,
};

inline constexpr size_t kStepBytes = 96;

// Layers to leave out, as bits of ForkRequest::skip.
inline constexpr uint32_t kSkipUserNamespace = 1;
inline constexpr uint32_t kSkipNetworkNamespace = 2;
inline constexpr uint32_t kSkipSeccomp = 4;

// Beside it: the report socket, the channel, the output pipe's write end, then
// the entrances of cgroups.
struct ForkRequest {
  ZygoteMessage type = ZygoteMessage::kFork;
  uint32_t skip = 0;
  uint64_t id = 0;
  // User and group of the sandbox on the host.
  uint32_t host_uid = 0;
  // Limits of its /tmp.
  uint32_t tmp_inodes = 0;
  uint64_t tmp_bytes = 0;
};
inline constexpr size_t kForkFds = 3;

struct ZygoteReady {
  ZygoteMessage type = ZygoteMessage::kReady;
};

struct ZygoteFailed {
  ZygoteMessage type = ZygoteMessage::kFailed;
  int32_t error = 0;
  char step[kStepBytes] = {};
};

struct Forked {
  ZygoteMessage type = ZygoteMessage::kForked;
  // errno; when it is not 0 there is no child, and no pidfd.
  int32_t error = 0;
  uint64_t id = 0;
  uint32_t micros = 0;
  uint32_t reserved = 0;
};

struct Died {
  ZygoteMessage type = ZygoteMessage::kDied;
  // As waitpid(2) has it.
  int32_t wait_status = 0;
  uint64_t id = 0;
};

// The sandbox is complete, or `step` failed and the child ends. Beside it, when
// complete: the sandbox's mount, network and user namespaces.
struct ChildReport {
  ZygoteMessage type = ZygoteMessage::kReport;
  int32_t error = 0;
  uint32_t cgroup_micros = 0;
  uint32_t namespaces_micros = 0;
  uint32_t mounts_micros = 0;
  uint32_t identity_micros = 0;
  uint32_t filter_micros = 0;
  // 0: the kernel has none.
  uint32_t landlock_abi = 0;
  char step[kStepBytes] = {};
};

inline constexpr size_t kMaxZygoteMessageBytes = 160;
static_assert(sizeof(ChildReport) <= kMaxZygoteMessageBytes);

}  // namespace so::isolation
