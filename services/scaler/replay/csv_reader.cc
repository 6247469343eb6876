#include "services/scaler/replay/csv_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace so {
namespace {

constexpr size_t kReadAtOnce = 64 << 10;

}  // namespace

CsvReader::CsvReader(std::string name, ByteSource source, const Limits& limits)
    : name_(std::move(name)), source_(std::move(source)), limits_(limits) {}

absl::Status CsvReader::ReadHead() {
  absl::string_view line;
  SO_ASSIGN_OR_RETURN(const bool found, NextLine(line));
  if (!found) {
    return absl::InvalidArgumentError(absl::StrCat(name_, ": it is empty"));
  }
  std::vector<absl::string_view> values;
  SO_RETURN_IF_ERROR(Split(line, values));
  head_.clear();
  for (const absl::string_view value : values) head_.emplace_back(value);
  return absl::OkStatus();
}

int CsvReader::Column(absl::string_view name) const {
  const auto it = std::find(head_.begin(), head_.end(), name);
  return it == head_.end() ? -1 : static_cast<int>(it - head_.begin());
}

absl::StatusOr<bool> CsvReader::Next(std::vector<absl::string_view>& values) {
  absl::string_view line;
  do {
    SO_ASSIGN_OR_RETURN(const bool found, NextLine(line));
    if (!found) return false;
  } while (line.empty());
  SO_RETURN_IF_ERROR(Split(line, values));
  if (values.size() != head_.size()) {
    return Problem(absl::StrCat(values.size(), " values, but the head has ",
                                head_.size()));
  }
  return true;
}

absl::Status CsvReader::Problem(absl::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ":", line_number_, ": ", message));
}

absl::StatusOr<bool> CsvReader::NextLine(absl::string_view& line) {
  size_t end = buffer_.find('\n', used_);
  while (end == std::string::npos && !at_end_) {
    const size_t searched = buffer_.size() - used_;
    if (searched > limits_.line_bytes) break;
    SO_RETURN_IF_ERROR(Fill());
    end = buffer_.find('\n', used_ + searched);
  }
  if (end == std::string::npos) end = buffer_.size();
  if (end == used_ && end == buffer_.size()) return false;
  if (++line_number_ > limits_.lines) {
    return Problem(absl::StrCat("more than ", limits_.lines, " lines"));
  }
  line = absl::string_view(buffer_).substr(used_, end - used_);
  if (line.size() > limits_.line_bytes) {
    return Problem(absl::StrCat("longer than ", limits_.line_bytes, " bytes"));
  }
  used_ = std::min(end + 1, buffer_.size());
  absl::ConsumeSuffix(&line, "\r");
  return true;
}

// Makes room by forgetting what has been handed out, and reads on.
absl::Status CsvReader::Fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const size_t before = buffer_.size();
  buffer_.resize(before + kReadAtOnce);
  const absl::StatusOr<size_t> got =
      source_(buffer_.data() + before, kReadAtOnce);
  buffer_.resize(before + (got.ok() ? *got : 0));
  SO_RETURN_IF_ERROR(got.status());
  at_end_ = *got == 0;
  total_bytes_ += *got;
  if (total_bytes_ > limits_.total_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        name_, ": more than ", limits_.total_bytes, " bytes unpacked"));
  }
  return absl::OkStatus();
}

absl::Status CsvReader::Split(absl::string_view line,
                              std::vector<absl::string_view>& values) const {
  values.clear();
  if (line.find('"') != absl::string_view::npos) {
    return Problem("a quote; values are not quoted in these traces");
  }
  for (const absl::string_view value : absl::StrSplit(line, ',')) {
    if (values.size() == limits_.columns) {
      return Problem(absl::StrCat("more than ", limits_.columns, " values"));
    }
    values.push_back(value);
  }
  return absl::OkStatus();
}

}  // namespace so
