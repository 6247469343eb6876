#include "services/scaler/replay/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace so {
namespace {

struct CloseGz {
  void operator()(gzFile file) const { gzclose_r(file); }
};
using OpenGz = std::unique_ptr<gzFile_s, CloseGz>;

}  // namespace

absl::StatusOr<ByteSource> OpenFile(const std::string& path) {
  errno = 0;
  OpenGz file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) {
    return absl::ErrnoToStatus(errno == 0 ? ENOMEM : errno,
                               absl::StrCat("cannot open ", path));
  }
  return [path, file = std::move(file)](char* buffer,
                                        size_t size) -> absl::StatusOr<size_t> {
    const auto wanted = static_cast<unsigned>(std::min<size_t>(size, 1 << 20));
    const int got = gzread(file.get(), buffer, wanted);
    int error = Z_OK;
    const char* message = gzerror(file.get(), &error);
    // A file that was cut off still gives what there is, then Z_BUF_ERROR.
    if (got < 0 || (got == 0 && error == Z_BUF_ERROR)) {
      return absl::DataLossError(
          absl::StrCat("cannot read ", path, ": ",
                       error == Z_BUF_ERROR ? "it ends too early" : message));
    }
    return static_cast<size_t>(got);
  };
}

ByteSource FromString(std::string content) {
  return [content = std::move(content), at = size_t{0}](
             char* buffer, size_t size) mutable -> absl::StatusOr<size_t> {
    const size_t count = content.copy(buffer, size, at);
    at += count;
    return count;
  };
}

}  // namespace so
