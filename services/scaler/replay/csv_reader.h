#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/scaler/replay/byte_source.h"

namespace so {

// Reads lines of values between commas, as the Azure Functions traces have
// them: a head, no quotes, no empty values within names. Of untrusted origin,
// so every dimension is bounded, and a problem names the line. Not a library,
// because the format needs none of what makes CSV hard, and what Debian has
// either copies every value or does not bound a line.
class CsvReader {
 public:
  struct Limits {
    size_t line_bytes = 256 << 10;
    size_t columns = 20'000;
    size_t lines = 1'000'000;
    size_t total_bytes = size_t{2} << 30;
  };

  // `name` is what errors call it.
  CsvReader(std::string name, ByteSource source)
      : CsvReader(std::move(name), std::move(source), Limits()) {}
  CsvReader(std::string name, ByteSource source, const Limits& limits);

  // Reads the first line. Call once, before Next.
  absl::Status ReadHead();
  const std::vector<std::string>& head() const { return head_; }
  // The index of a column of the head, or -1.
  int Column(absl::string_view name) const;

  // Reads the next line that is not empty into `values`, which are valid until
  // the next call and as many as the head has. False at the end.
  absl::StatusOr<bool> Next(std::vector<absl::string_view>& values);

  // "trace.csv:12: MESSAGE", for the line read last.
  absl::Status Problem(absl::string_view message) const;

 private:
  absl::StatusOr<bool> NextLine(absl::string_view& line);
  absl::Status Fill();
  absl::Status Split(absl::string_view line,
                     std::vector<absl::string_view>& values) const;

  std::string name_;
  ByteSource source_;
  Limits limits_;
  std::vector<std::string> head_;
  size_t line_number_ = 0;
  size_t total_bytes_ = 0;
  bool at_end_ = false;
  // What was read ahead; the part before `used_` has been handed out.
  std::string buffer_;
  size_t used_ = 0;
};

}  // namespace so
