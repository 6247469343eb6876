#include "sandbox/unpack/zip_directory.h"

#include <cstddef>
#include <cstdint>

#include "sandbox/unpack/entry_rules.h"

namespace so::unpack {
namespace {

// APPNOTE.TXT, 4.3.12 and 4.3.16.
constexpr std::string_view kEndSignature("PK\x05\x06", 4);
constexpr std::string_view kEntrySignature("PK\x01\x02", 4);
constexpr size_t kEndBytes = 22;
constexpr size_t kEntryBytes = 46;
constexpr char kUnreadable[] = "the directory of the zip cannot be read";

// Precondition: `at` and the bytes behind it are inside.
uint32_t Number(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  }
  return value;
}

}  // namespace

std::string CheckZipNames(std::string_view zip) {
  const size_t end = zip.rfind(kEndSignature);
  if (end == std::string_view::npos || zip.size() - end < kEndBytes) {
    return kUnreadable;
  }
  const size_t count = Number(zip, end + 10, 2);
  if (count == 0) return "the archive has no files";
  const size_t size = Number(zip, end + 12, 4);
  // Measured from the end: something may have been put before the zip.
  if (size > end) return kUnreadable;
  std::string_view directory = zip.substr(end - size, size);
  for (size_t i = 0; i < count; ++i) {
    if (directory.size() < kEntryBytes ||
        directory.substr(0, 4) != kEntrySignature) {
      return kUnreadable;
    }
    const size_t name_bytes = Number(directory, 28, 2);
    const size_t rest =
        name_bytes + Number(directory, 30, 2) + Number(directory, 32, 2);
    directory.remove_prefix(kEntryBytes);
    if (directory.size() < rest) return kUnreadable;
    const std::string_view name = directory.substr(0, name_bytes);
    if (name.find('\0') != std::string_view::npos) {
      return "entry " + Quoted(name) + " has a NUL in its name";
    }
    directory.remove_prefix(rest);
  }
  return "";
}

}  // namespace so::unpack
