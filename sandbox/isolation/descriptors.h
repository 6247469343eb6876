#pragma once

#include <vector>

#include "sandbox/isolation/outcome.h"

namespace so::isolation {

// Descriptors that are open in this process now, ascending; `above` is the
// lowest of interest.
Outcome ListDescriptors(int above, std::vector<int>& fds);

// Closes every descriptor that is not in `kept`.
Outcome CloseAllBut(std::vector<int> kept);

struct StandardDescriptors {
  int output;
  int channel;
};

// Arranges the descriptors of a sandbox: 0 /dev/null, 1 and 2 the output, 3 the
// channel (close-on-exec). Those in `runtime` stay taken, but lead to
// /dev/null: the runtime knows their numbers, and what they led to is shared
// with its zygote. Those in `kept` stay as they are; all others are closed.
Outcome ArrangeDescriptors(const StandardDescriptors& standard,
                           const std::vector<int>& runtime,
                           std::vector<int> kept);

}  // namespace so::isolation
