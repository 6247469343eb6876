#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"

namespace so {

// What LoadConfig found out.
struct ConfigResult {
  // Everything that is wrong, one sentence each; empty when `config` is usable.
  std::vector<std::string> problems;
  // Text of --help when it was asked for; the program prints it and exits 0.
  std::string help;
};

// Fills `config` from, in rising order of precedence, the defaults of its
// (serverless.config.v1.setting) options, the text-format file named by
// --config, and one flag per field (--queue_depth=100, --drain_timeout=5s).
// Then checks every range. Fields are scalars, strings or durations.
ConfigResult LoadConfig(int argc, const char* const* argv,
                        google::protobuf::Message& config);

// LoadConfig for main(): prints help and exits 0, or prints every problem to
// standard error and exits 2.
void LoadConfigOrExit(int argc, const char* const* argv,
                      google::protobuf::Message& config);

absl::Duration ToAbsl(const google::protobuf::Duration& duration);

}  // namespace so
