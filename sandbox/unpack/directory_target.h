#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "sandbox/unpack/unpack.h"

namespace so::unpack {

// A directory of the disk, empty at the beginning. Files get mode 0644 or 0755,
// folders 0755, whatever the archive says.
class DirectoryTarget final : public Target {
 public:
  explicit DirectoryTarget(const std::string& path);

  // Whether the directory could be opened.
  bool valid() const { return directory_.valid(); }

  std::string Folder(const std::string& path) override;
  std::string File(const std::string& path, bool executable) override;
  std::string Write(std::string_view bytes) override;

 private:
  UniqueFd directory_;
  UniqueFd file_;
};

}  // namespace so::unpack
