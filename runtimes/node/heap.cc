#include "runtimes/node/heap.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>

namespace so::runtimes {
namespace {

template <typename Function>
Function* Find(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, symbol));
}

size_t KeepLimit(void*, size_t limit, size_t) { return limit; }

using Callback = size_t(void*, size_t, size_t);

// Looked for in the zygote: going through node's symbols takes time.
const auto current_isolate = Find<void*()>("_ZN2v87Isolate10GetCurrentEv");
const auto add_callback = Find<void(void*, Callback*, void*)>(
    "_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_");
const auto remove_callback = Find<void(void*, Callback*, size_t)>(
    "_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm");

}  // namespace

bool LetHeapBeForked() {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return false;
  char line[4096];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t begin = 0, end = 0;
    unsigned long inode = 0;
    int name = 0;
    const int fields =
        std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %lu %n",
                    &begin, &end, &inode, &name);
    // The heap is memory without a file or a name.
    if (fields < 3 || inode != 0 || line[name] != '\0') continue;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DOFORK);
  }
  std::fclose(maps);
  return true;
}

bool LimitHeap(size_t bytes) {
  if (current_isolate == nullptr || add_callback == nullptr ||
      remove_callback == nullptr) {
    return false;
  }
  // Taking a callback away is what may set another limit.
  add_callback(current_isolate(), &KeepLimit, nullptr);
  remove_callback(current_isolate(), &KeepLimit, bytes);
  return true;
}

}  // namespace so::runtimes
