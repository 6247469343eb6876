#include "services/pool/output_capture.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace so {
namespace {

constexpr size_t kMaxLines = 65536;

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Length of the valid UTF-8 sequence at the start of `text`, 0 if there is
// none. Precondition: not empty.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return IsContinuation(byte(1)) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : 0xbf;  // No surrogates.
    return byte(1) >= low && byte(1) <= high && IsContinuation(byte(2)) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
    return byte(1) >= low && byte(1) <= high && IsContinuation(byte(2)) &&
                   IsContinuation(byte(3))
               ? 4
               : 0;
  }
  return 0;
}

}  // namespace

std::string RepairUtf8(absl::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      repaired.append("\xef\xbf\xbd");
      text.remove_prefix(1);
    } else {
      repaired.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return repaired;
}

void OutputCapture::Append(absl::string_view bytes) {
  size_t kept =
      dropped_ > 0 ? 0 : std::min(bytes.size(), limit_ - bytes_.size());
  for (size_t i = 0; i < kept; ++i) {
    if (bytes[i] == '\n' && ++lines_ >= kMaxLines) kept = i + 1;
  }
  bytes_.append(bytes.data(), kept);
  dropped_ += bytes.size() - kept;
}

CapturedOutput OutputCapture::Take() {
  CapturedOutput output{.truncated = dropped_ > 0};
  if (!bytes_.empty()) {
    for (absl::string_view line :
         absl::StrSplit(absl::StripSuffix(bytes_, "\n"), '\n')) {
      output.lines.push_back(RepairUtf8(absl::StripSuffix(line, "\r")));
    }
  }
  if (dropped_ > 0) {
    output.lines.push_back(absl::StrCat("[truncated ", dropped_, " bytes]"));
  }
  std::string().swap(bytes_);
  lines_ = 0;
  dropped_ = 0;
  return output;
}

}  // namespace so
