#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace so::unpack {

// How large an archive may become.
struct Limits {
  int entries = 10000;
  int64_t bytes = 250 << 20;
  int depth = 20;
  // Unpacked bytes per packed byte, looked at beyond the first MB: short texts
  // of one letter are not bombs.
  int64_t ratio = 100;
  int64_t ratio_free_bytes = 1 << 20;
};

// What an archive calls one of its entries.
struct Entry {
  enum class Kind { kFile, kFolder, kSymlink, kHardlink, kOther };
  std::string name;
  Kind kind = Kind::kFile;
  // Permission bits with set-user-id, set-group-id and sticky.
  unsigned mode = 0;
  bool encrypted = false;
};

// Decides entry by entry what may come out of one archive. Remembers the names
// it has let through. Every answer is empty, or the reason of a refusal.
class EntryRules {
 public:
  EntryRules(const Limits& limits, int64_t packed_bytes)
      : limits_(limits), packed_bytes_(packed_bytes) {}

  // Checks the next entry. `path` becomes its place below the target: relative,
  // no "." or ".." in it; empty for the target itself.
  std::string Check(const Entry& entry, std::string& path);

  // Counts bytes that came out.
  std::string Count(int64_t bytes);

 private:
  std::string CheckUnique(const std::string& path, bool folder);

  const Limits limits_;
  const int64_t packed_bytes_;
  int entries_ = 0;
  int64_t bytes_ = 0;
  struct Seen {
    std::string path;
    bool folder;
  };
  // By name without case.
  std::map<std::string, Seen> seen_;
};

// `name` in quotes, shortened, control characters and bytes that are not ASCII
// escaped: fit for a terminal and a log.
std::string Quoted(std::string_view name);

}  // namespace so::unpack
