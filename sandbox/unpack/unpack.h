#pragma once

#include <string>
#include <string_view>

#include "sandbox/unpack/entry_rules.h"

namespace so::unpack {

// Where the content of an archive goes. Paths are relative and clean, every
// folder comes before what is in it, and no path comes twice but for folders.
// Each call answers the reason of a failure, or nothing.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::string Folder(const std::string& path) = 0;
  // Begins a file; Write belongs to the one that was begun last.
  virtual std::string File(const std::string& path, bool executable) = 0;
  virtual std::string Write(std::string_view bytes) = 0;
};

// Unpacks a zip or tar.gz, as its first bytes say. Nothing in it is believed:
// sizes are counted while they come out. Answers the reason why it was refused,
// then the target is left half-filled, or nothing. Needs a UTF-8 locale for
// names beyond ASCII.
std::string Unpack(std::string_view archive, const Limits& limits,
                   Target& target);

}  // namespace so::unpack
