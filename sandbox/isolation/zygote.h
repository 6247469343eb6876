#pragma once

#include <cstdint>

namespace so::isolation {

// What a runtime does around a fork of its process; both may be null.
struct ZygoteHooks {
  // In the zygote, before every fork.
  void (*before_fork)(void* context) = nullptr;
  // In the child, as soon as it is in its cgroups and its descriptors are
  // arranged: still privileged, no other thread.
  void (*after_fork)(void* context) = nullptr;
  void* context = nullptr;
};

// Where the launcher's socket is in a zygote.
inline constexpr int kZygoteFd = 3;

// Turns the calling process, an initialised runtime, into a zygote: serves the
// launcher's requests on kZygoteFd by forking. Returns only in a child, which
// is then alone in a complete sandbox: its own namespaces, user, limits and
// filters, no capabilities, descriptor 0 /dev/null, 1 and 2 the output pipe, 3
// the channel of the runtime contract (close-on-exec), and nothing else but the
// numbers that the runtime had open before: those stay taken, but lead to
// /dev/null until after_fork opens them anew, because what they led to is
// shared with the zygote and all its children. Neither the zygote nor a child
// whose sandbox could not be completed comes back: they exit.
//
// Call it on the main thread. Other threads of the runtime must be idle for
// good: they do not exist in the child.
void ServeZygote(const ZygoteHooks& hooks);

}  // namespace so::isolation
