#pragma once

#include <cstddef>

namespace so::runtimes {

// V8 asks the kernel to leave its heap out of forks; this takes that back for
// what there is now. Whether it could.
bool LetHeapBeForked();

// Lowers what V8 believes its heap may grow to. Whether this node could.
//
// The flag for it counts only while node starts; V8's own interface takes
// effect at any time, but is not part of Node-API and so is looked up.
bool LimitHeap(size_t bytes);

}  // namespace so::runtimes
