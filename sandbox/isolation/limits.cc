#include "sandbox/isolation/limits.h"

#include <sys/resource.h>

namespace so::isolation {
namespace {

struct Limit {
  __rlimit_resource resource;
  rlim_t value;
  const char* step;
};

constexpr Limit kLimits[] = {
    {RLIMIT_CORE, 0, "limit core"},
    {RLIMIT_NOFILE, 256, "limit open files"},
    {RLIMIT_FSIZE, rlim_t{512} << 20, "limit file size"},
    {RLIMIT_MEMLOCK, 64 << 10, "limit locked memory"},
    {RLIMIT_MSGQUEUE, 0, "limit message queues"},
    {RLIMIT_SIGPENDING, 256, "limit pending signals"},
    {RLIMIT_RTPRIO, 0, "limit real-time priority"},
    {RLIMIT_NICE, 0, "limit niceness"},
};

}  // namespace

Outcome ApplyLimits() {
  for (const Limit& limit : kLimits) {
    const rlimit both{limit.value, limit.value};
    SO_RETURN_IF_FAILED(Check(setrlimit(limit.resource, &both), limit.step));
  }
  return {};
}

}  // namespace so::isolation
