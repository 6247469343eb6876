#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace so::init {

inline constexpr int kRuntimeApiPort = 9001;

using Environment = std::map<std::string, std::string>;

// What CONFIG says.
struct Config {
  std::string code_dir;
  // Invocations at a time, 1 to 100.
  int concurrency = 1;
  std::string function_arn;
  std::string log_group_name;
  std::string log_stream_name;
  Environment environment;
  // A command to run instead of the function's bootstrap; empty without one.
  std::vector<std::string> task;
  Environment task_environment;
};
// Nothing when it has another shape.
std::optional<Config> ParseConfig(std::string_view payload);

// The environment of a bootstrap, in rising order of precedence: `inherited`
// (NAME=value, as in environ), the function's, the Runtime API's own.
Environment BootstrapEnvironment(const Config& config, char** inherited);

// The environment of a task: `inherited`, then the task's.
Environment TaskEnvironment(const Config& config, char** inherited);

}  // namespace so::init
