#include "runtimes/native/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace so::runtimes {
namespace {

constexpr uintptr_t kHugeBytes = 2 << 20;
constexpr uintptr_t kPageBytes = 4 << 10;
// A huge page with less in it would mostly be waste.
constexpr size_t kLeastResidentPages = 128;
// MADV_COLLAPSE, of Linux 6.1.
constexpr int kCollapse = 25;

enum class Kind { kOther, kData, kCode };

struct Mapping {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  int protection = PROT_NONE;
  Kind kind = Kind::kOther;
};

std::string ProgramPath() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size))
                  : std::string();
}

// Data is private memory without a file; code that of the program itself.
Kind KindOf(const std::string& flags, unsigned long inode,
            const std::string& name, const std::string& program) {
  const bool unnamed = inode == 0 && name.empty();
  if (flags == "r-xp" && name == program) return Kind::kCode;
  if (flags == "rw-p" && (unnamed || name == "[heap]")) return Kind::kData;
  if ((flags == "r--p" || flags == "---p") && unnamed) return Kind::kData;
  return Kind::kOther;
}

int ProtectionOf(const std::string& flags) {
  return (flags[0] == 'r' ? PROT_READ : 0) |
         (flags[1] == 'w' ? PROT_WRITE : 0) | (flags[2] == 'x' ? PROT_EXEC : 0);
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
    unsigned long inode = 0;
    int name = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %lu %n",
                    &mapping.begin, &mapping.end, flags, &inode, &name) != 4) {
      continue;
    }
    line[std::strcspn(line, "\n")] = '\0';
    mapping.protection = ProtectionOf(flags);
    mapping.kind = KindOf(flags, inode, line + name, program);
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
    Mapping part = mapping;
    part.begin = std::max(mapping.begin, begin_);
    part.end = std::min(mapping.end, begin_ + kHugeBytes);
    parts_.push_back(part);
  }

  uintptr_t begin() const { return begin_; }

  void Move() const {
    if (!IsMovable() || ResidentPages() < kLeastResidentPages) return;
    // Enough for an aligned one.
    void* const space =
        mmap(nullptr, 2 * kHugeBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED) return;
    const uintptr_t base = reinterpret_cast<uintptr_t>(space);
    const uintptr_t copy = (base + kHugeBytes - 1) & ~(kHugeBytes - 1);
    madvise(At(copy), kHugeBytes, MADV_HUGEPAGE);
    Replace(copy);
    munmap(At(base), copy - base);
    munmap(At(copy + kHugeBytes), base + kHugeBytes - copy);
  }

 private:
  static void* At(uintptr_t address) {
    return reinterpret_cast<void*>(address);
  }

  bool IsMovable() const {
    return parts_[0].kind != Kind::kOther &&
           std::all_of(parts_.begin(), parts_.end(), [&](const Mapping& part) {
             return part.kind == parts_[0].kind;
           });
  }

  // 0 when it cannot be told, or there are some that cannot be read.
  size_t ResidentPages() const {
    size_t resident = 0;
    for (const Mapping& part : parts_) {
      std::vector<unsigned char> pages((part.end - part.begin) / kPageBytes);
      if (mincore(At(part.begin), part.end - part.begin, pages.data()) != 0) {
        return 0;
      }
      for (const unsigned char page : pages) {
        if ((page & 1) == 0) continue;
        if ((part.protection & PROT_READ) == 0) return 0;
        ++resident;
      }
    }
    return resident;
  }

  // From the copy on nothing may be written that is copied: no allocation.
  void Replace(uintptr_t copy) const {
    for (const Mapping& part : parts_) {
      if ((part.protection & PROT_READ) == 0) continue;
      std::memcpy(At(copy + (part.begin - begin_)), At(part.begin),
                  part.end - part.begin);
    }
    __builtin___clear_cache(static_cast<char*>(At(copy)),
                            static_cast<char*>(At(copy + kHugeBytes)));
    // Small pages would be worse than what is there.
    if (madvise(At(copy), kHugeBytes, kCollapse) != 0 ||
        mremap(At(copy), kHugeBytes, kHugeBytes, MREMAP_MAYMOVE | MREMAP_FIXED,
               At(begin_)) == MAP_FAILED) {
      munmap(At(copy), kHugeBytes);
      return;
    }
    for (const Mapping& part : parts_) {
      if (part.protection == (PROT_READ | PROT_WRITE)) continue;
      // Neither this program nor its forks can go on without.
      if (mprotect(At(part.begin), part.end - part.begin, part.protection) !=
          0) {
        std::abort();
      }
    }
  }

  const uintptr_t begin_;
  std::vector<Mapping> parts_;
};

std::vector<Window> ListWindows() {
  std::vector<Window> windows;
  for (const Mapping& mapping : ListMappings()) {
    for (uintptr_t begin = mapping.begin & ~(kHugeBytes - 1);
         begin < mapping.end; begin += kHugeBytes) {
      // Huge reservations have nothing in them.
      if (mapping.protection == PROT_NONE && begin > mapping.begin &&
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
