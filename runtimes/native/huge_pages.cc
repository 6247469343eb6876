#include "runtimes/native/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace so::runtimes {
namespace {

constexpr uintptr_t kHugeBytes = 2 << 20;
constexpr uintptr_t kPageBytes = 4 << 10;
// A huge page with less in it would mostly be waste.
constexpr size_t kLeastResidentPages = 128;

struct Mapping {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  int protection = PROT_NONE;
  // Private data of the heap, or the program's own code.
  bool movable = false;
};

std::string ProgramPath() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size))
                  : std::string();
}

bool IsMovable(const char* flags, const char* name,
               const std::string& program) {
  if (std::strcmp(flags, "rw-p") == 0) {
    return *name == '\0' || std::strcmp(name, "[heap]") == 0;
  }
  return std::strcmp(flags, "r-xp") == 0 && program == name;
}

std::vector<Mapping> ListMappings() {
  const std::string program = ProgramPath();
  std::vector<Mapping> mappings;
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return mappings;
  char line[8192];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    Mapping mapping;
    char flags[5] = {};
    int name = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n",
                    &mapping.begin, &mapping.end, flags, &name) != 3) {
      continue;
    }
    line[std::strcspn(line, "\n")] = '\0';
    mapping.protection = PROT_READ | (flags[1] == 'w' ? PROT_WRITE : PROT_EXEC);
    mapping.movable = IsMovable(flags, line + name, program);
    mappings.push_back(mapping);
  }
  std::fclose(maps);
  return mappings;
}

// What lies in one aligned window: parts of mappings, with or without holes.
class Window {
 public:
  explicit Window(uintptr_t begin) : begin_(begin) {}

  void Add(const Mapping& mapping) {
    const Mapping part = {std::max(mapping.begin, begin_),
                          std::min(mapping.end, begin_ + kHugeBytes),
                          mapping.protection, mapping.movable};
    alike_ &= part.movable &&
              (parts_.empty() || parts_[0].protection == part.protection);
    parts_.push_back(part);
  }

  uintptr_t begin() const { return begin_; }

  void Move() const {
    if (!alike_ || ResidentPages() < kLeastResidentPages) return;
    // Enough for an aligned one.
    void* const space =
        mmap(nullptr, 2 * kHugeBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED) return;
    const uintptr_t base = reinterpret_cast<uintptr_t>(space);
    const uintptr_t copy = (base + kHugeBytes - 1) & ~(kHugeBytes - 1);
    if (madvise(At(copy), kHugeBytes, MADV_HUGEPAGE) == 0) Replace(copy);
    munmap(At(base), copy - base);
    munmap(At(copy + kHugeBytes), base + kHugeBytes - copy);
  }

 private:
  static void* At(uintptr_t address) {
    return reinterpret_cast<void*>(address);
  }

  size_t ResidentPages() const {
    size_t resident = 0;
    for (const Mapping& part : parts_) {
      std::vector<unsigned char> pages((part.end - part.begin) / kPageBytes);
      if (mincore(At(part.begin), part.end - part.begin, pages.data()) != 0) {
        return 0;
      }
      for (const unsigned char page : pages) resident += page & 1;
    }
    return resident;
  }

  // From the copy on nothing may be written that is copied: no allocation.
  void Replace(uintptr_t copy) const {
    for (const Mapping& part : parts_) {
      std::memcpy(At(copy + (part.begin - begin_)), At(part.begin),
                  part.end - part.begin);
    }
    const int protection = parts_[0].protection;
    __builtin___clear_cache(static_cast<char*>(At(copy)),
                            static_cast<char*>(At(copy + kHugeBytes)));
    if (mprotect(At(copy), kHugeBytes, protection) != 0 ||
        mremap(At(copy), kHugeBytes, kHugeBytes, MREMAP_MAYMOVE | MREMAP_FIXED,
               At(begin_)) == MAP_FAILED) {
      munmap(At(copy), kHugeBytes);
    }
  }

  const uintptr_t begin_;
  std::vector<Mapping> parts_;
  bool alike_ = true;
};

std::vector<Window> ListWindows() {
  std::vector<Window> windows;
  for (const Mapping& mapping : ListMappings()) {
    for (uintptr_t begin = mapping.begin & ~(kHugeBytes - 1);
         begin < mapping.end; begin += kHugeBytes) {
      // Huge reservations have nothing in them.
      if (!mapping.movable && begin > mapping.begin &&
          begin + kHugeBytes < mapping.end) {
        continue;
      }
      if (windows.empty() || windows.back().begin() != begin) {
        windows.emplace_back(begin);
      }
      windows.back().Add(mapping);
    }
  }
  return windows;
}

}  // namespace

void UseHugePages() {
  for (const Window& window : ListWindows()) window.Move();
}

}  // namespace so::runtimes
