// V8 puts each part of its heap, a quarter of a megabyte, at a random address.
// To a fork that is dear: each has page tables of its own to be copied, and no
// two can share a huge page. So the zygote's parts go next to each other, from
// one random address on. For that this module is loaded before node's own
// libraries (LD_PRELOAD), and its memory calls take the place of the C
// library's.
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

// As V8 aligns the parts.
constexpr uintptr_t kAlignment = 256 << 10;
constexpr size_t kLargestPart = 4 << 20;
// Between where programs and where libraries are, 32 TB from 16 TB on, in steps
// of a huge page.
constexpr uintptr_t kLowest = uintptr_t{1} << 44;
constexpr uintptr_t kStep = 2 << 20;
constexpr uint32_t kSteps = 1 << 24;

// Where the next part goes; 0 when placing is off.
std::atomic<uintptr_t> next{0};

uintptr_t TakePlace(size_t bytes) {
  uintptr_t end = next.load(), place;
  do {
    place = (end + kAlignment - 1) & ~(kAlignment - 1);
  } while (!next.compare_exchange_weak(end, place + bytes));
  return place;
}

// Only when it was preloaded. What it was preloaded by is nobody's business.
__attribute__((constructor)) void StartPlacing() {
  char* const preload = getenv("LD_PRELOAD");
  uint32_t random;
  if (preload == nullptr ||
      getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
    return;
  }
  std::memset(preload, 0, std::strlen(preload));
  unsetenv("LD_PRELOAD");
  next = kLowest + random % kSteps * kStep;
}

}  // namespace

extern "C" {

// NOLINTNEXTLINE
__attribute__((visibility("default"))) void* mmap64(void* address, size_t bytes,
                                                    int protection, int flags,
                                                    int fd, off64_t offset) {
  // Only V8 asks for places without any right to them.
  if (next != 0 && address != nullptr && protection == PROT_NONE && fd == -1 &&
      (flags & MAP_FIXED) == 0 && bytes <= kLargestPart) {
    address = reinterpret_cast<void*>(TakePlace(bytes));
  }
  return reinterpret_cast<void*>(
      syscall(SYS_mmap, address, bytes, protection, flags, fd, offset));
}

// V8 asks for more than it needs, and gives the rest back.
__attribute__((visibility("default"))) int munmap(void* address, size_t bytes) {
  uintptr_t end = reinterpret_cast<uintptr_t>(address) + bytes;
  next.compare_exchange_strong(end, reinterpret_cast<uintptr_t>(address));
  return static_cast<int>(syscall(SYS_munmap, address, bytes));
}
}
