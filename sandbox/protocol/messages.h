#pragma once

#include <cstddef>
#include <cstdint>

// What the pool and the launcher say to each other over a SOCK_SEQPACKET Unix
// socket. One message is one packet of exactly the struct's size, in host byte
// order: both ends are on one machine and of one build. The first field of each
// message is its type. Descriptors travel beside the packet (SCM_RIGHTS).
//
// The launcher accepts one client at a time. When it leaves, all its sandboxes
// end; when the launcher ends, so do they.
//
//   pool                                launcher
//                                  ◀──  Hello, then RuntimeState per runtime
//   ParkRequest{ticket, runtime}   ──▶
//                                  ◀──  Parked{ticket, sandbox} + descriptors
//   ActivateRequest{sandbox, ...}  ──▶
//                                  ◀──  Activated{sandbox}
//   KillRequest{sandbox}           ──▶
//                                  ◀──  Exited{sandbox}
//
// Answers come in the order in which things happen, not in that of the requests.
namespace so::launcher {

inline constexpr uint32_t kProtocolVersion = 1;

enum class MessageType : uint32_t {
  // Pool to launcher.
  kPark = 1,
  kActivate = 2,
  kKill = 3,
  // Launcher to pool.
  kHello = 16,
  kRuntimeState = 17,
  kParked = 18,
  kParkFailed = 19,
  kActivated = 20,
  kActivateFailed = 21,
  kExited = 22,
};

// Strings in messages are NUL-terminated.
inline constexpr size_t kNameBytes = 32;
inline constexpr size_t kPathBytes = 512;
inline constexpr size_t kTextBytes = 256;

// Steps of a start, timed one by one. kSteps names them in this order.
enum class Step : uint32_t {
  kCgroup,      // groups made and limited
  kFork,        // request to the zygote until the child exists
  kNamespaces,  // pid, mount, ipc, uts, user, net
  kMounts,      // proc, /tmp, masks
  kIdentity,    // user, capabilities, limits, descriptors
  kFilter,      // Landlock and seccomp
  kActivate,    // limits and code of an activation
};
inline constexpr size_t kStepCount = 7;
inline constexpr const char* kSteps[kStepCount] = {
    "cgroup", "fork", "namespaces", "mounts", "identity", "filter", "activate"};

// Makes an empty sandbox with an initialised runtime in it: no user code, no
// tenant. Answered by Parked or ParkFailed.
struct ParkRequest {
  MessageType type = MessageType::kPark;
  uint32_t reserved = 0;
  // Chosen by the pool, echoed in the answer.
  uint64_t ticket = 0;
  char runtime[kNameBytes] = {};
};

enum class Network : uint32_t {
  kNone = 0,    // loopback of its own, nothing else
  kEgress = 1,  // outbound only
};

// Gives a parked sandbox to a function, once. Answered by Activated or
// ActivateFailed; the latter is followed by Exited.
struct ActivateRequest {
  MessageType type = MessageType::kActivate;
  Network network = Network::kNone;
  uint64_t sandbox = 0;
  uint64_t memory_bytes = 0;
  // Of all processes and threads together.
  uint32_t max_pids = 0;
  // Hundredths of one processor: 100 is one whole.
  uint32_t cpu_percent = 0;
  // Absolute path of a directory of the host, mounted read-only at /var/task.
  char code_dir[kPathBytes] = {};
  // Absolute path of a directory of the host, mounted writable at /var/output
  // for builds, or empty. It must be owned by the launcher's client; the
  // launcher gives it to the sandbox's user, and back with everything in it
  // before it says Exited.
  char output_dir[kPathBytes] = {};
};

// Ends a sandbox. Answered by Exited once it has ended. A sandbox that is
// unknown, because it has ended already, is ignored.
struct KillRequest {
  MessageType type = MessageType::kKill;
  // 0: everything in it, at once, frozen or not. 1: its first process is asked
  // to end (SIGTERM), which it may ignore.
  uint32_t gently = 0;
  uint64_t sandbox = 0;
};

// Layers of isolation, as bits of Hello::missing_layers.
enum class Layer : uint32_t {
  kUserNamespace,
  kNetworkNamespace,
  kSeccomp,
  kLandlock,
  kMemoryCgroup,
  kPidsCgroup,
  kCpuCgroup,
  kFreezer,
};
inline constexpr size_t kLayerCount = 8;
inline constexpr const char* kLayers[kLayerCount] = {
    "user namespace", "network namespace", "seccomp",    "landlock",
    "memory cgroup",  "pids cgroup",       "cpu cgroup", "freezer"};

struct Hello {
  MessageType type = MessageType::kHello;
  uint32_t version = kProtocolVersion;
  // Bit n is set when layer n is not in force, because an operator allowed it
  // to be missing.
  uint32_t missing_layers = 0;
  uint32_t reserved = 0;
};

// Whether a runtime's zygote is up. Parking waits for it.
struct RuntimeState {
  MessageType type = MessageType::kRuntimeState;
  uint32_t ready = 0;
  char runtime[kNameBytes] = {};
  // Why it is not ready; empty while it is starting.
  char problem[kTextBytes] = {};
};

// Descriptors that come with Parked, in this order; those whose bit is not set
// in `descriptors` are left out.
enum class Descriptor : uint32_t {
  kChannel,    // stream socket: the runtime contract
  kOutput,     // read end of stdout and stderr
  kFreezer,    // write here to freeze and thaw
  kMemory,     // read: peak memory in bytes, a decimal number
  kCpu,        // read: processor time used
  kProcesses,  // open /proc/self/fd/N and read: one process id a line. A second
               // read of the same open file may show the old list (v1).
};
inline constexpr size_t kDescriptorCount = 6;

struct Parked {
  MessageType type = MessageType::kParked;
  uint32_t descriptors = 0;
  uint64_t ticket = 0;
  // Unique within the life of the launcher.
  uint64_t sandbox = 0;
  // What the freezer and the cpu descriptor understand.
  enum Dialect : uint32_t { kV1 = 1, kV2 = 2 };
  // v1: "FROZEN" and "THAWED"; v2: "1" and "0".
  Dialect freezer_dialect = kV1;
  // v1: nanoseconds; v2: lines, "usage_usec N" among them.
  Dialect cpu_dialect = kV1;
  uint32_t step_micros[kStepCount] = {};
  uint32_t reserved = 0;
};

struct ParkFailed {
  MessageType type = MessageType::kParkFailed;
  // errno, 0 when there is none.
  int32_t error = 0;
  uint64_t ticket = 0;
  // What was being done, for the log.
  char step[kTextBytes] = {};
};

struct Activated {
  MessageType type = MessageType::kActivated;
  uint32_t micros = 0;
  uint64_t sandbox = 0;
};

struct ActivateFailed {
  MessageType type = MessageType::kActivateFailed;
  int32_t error = 0;
  uint64_t sandbox = 0;
  char step[kTextBytes] = {};
};

// Nothing of the sandbox is left: no process, cgroup, mount or directory.
struct Exited {
  MessageType type = MessageType::kExited;
  // As waitpid(2) has it, of the first process in the sandbox.
  int32_t wait_status = 0;
  uint64_t sandbox = 0;
  // Whether the kernel killed something in it for want of memory.
  uint32_t out_of_memory = 0;
  uint32_t reserved = 0;
  uint64_t memory_peak_bytes = 0;
  uint64_t cpu_nanos = 0;
};

inline constexpr size_t kMaxMessageBytes = sizeof(ActivateRequest);
static_assert(sizeof(RuntimeState) <= kMaxMessageBytes);

}  // namespace so::launcher
