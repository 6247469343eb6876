#include "sandbox/init/config.h"

#include <utility>

#include "nlohmann/json.hpp"

namespace so::init {
namespace {

using Json = nlohmann::json;

constexpr int kContractVersion = 1;
constexpr int kMaxConcurrency = 100;

bool ReadText(const Json& object, const char* name, std::string& text) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return false;
  text = it->get<std::string>();
  return true;
}

bool ReadEnvironment(const Json& object, Environment& environment) {
  const auto it = object.find("environment");
  if (it == object.end() || !it->is_object()) return false;
  for (const auto& [name, value] : it->items()) {
    if (name.empty() || name.find('=') != name.npos || !value.is_string()) {
      return false;
    }
    environment[name] = value.get<std::string>();
  }
  return true;
}

// Missing is 1.
bool ReadConcurrency(const Json& object, int& concurrency) {
  const auto it = object.find("concurrency");
  if (it == object.end()) return true;
  if (!it->is_number_integer() || *it < 1 || *it > kMaxConcurrency) {
    return false;
  }
  concurrency = it->get<int>();
  return true;
}

bool ReadTask(const Json& task, Config& config) {
  if (!task.is_object()) return false;
  const auto command = task.find("command");
  if (command == task.end() || !command->is_array() || command->empty()) {
    return false;
  }
  for (const Json& argument : *command) {
    if (!argument.is_string()) return false;
    config.task.push_back(argument.get<std::string>());
  }
  return !task.contains("environment") ||
         ReadEnvironment(task, config.task_environment);
}

Environment Inherited(char** variables) {
  Environment environment;
  for (; *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const size_t equals = variable.find('=');
    if (equals == variable.npos) continue;
    environment[std::string(variable.substr(0, equals))] =
        variable.substr(equals + 1);
  }
  return environment;
}

}  // namespace

std::optional<Config> ParseConfig(std::string_view payload) {
  const Json object =
      Json::parse(payload.begin(), payload.end(), nullptr, false);
  if (!object.is_object() ||
      object.value("contract", Json()) != kContractVersion) {
    return std::nullopt;
  }
  Config config;
  if (!ReadText(object, "codeDir", config.code_dir)) return std::nullopt;
  if (const auto task = object.find("task"); task != object.end()) {
    if (!ReadTask(*task, config)) return std::nullopt;
    return config;
  }
  if (!ReadText(object, "invokedFunctionArn", config.function_arn) ||
      !ReadText(object, "logGroupName", config.log_group_name) ||
      !ReadText(object, "logStreamName", config.log_stream_name) ||
      !ReadConcurrency(object, config.concurrency) ||
      !ReadEnvironment(object, config.environment)) {
    return std::nullopt;
  }
  return config;
}

Environment BootstrapEnvironment(const Config& config, char** inherited) {
  Environment environment = Inherited(inherited);
  // Clients of AWS services refuse to start without one.
  environment.emplace("AWS_REGION", "local");
  environment.emplace("AWS_DEFAULT_REGION", "local");
  for (const auto& [name, value] : config.environment) {
    environment[name] = value;
  }
  environment["AWS_LAMBDA_RUNTIME_API"] =
      "127.0.0.1:" + std::to_string(kRuntimeApiPort);
  environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
  environment["AWS_LAMBDA_LOG_GROUP_NAME"] = config.log_group_name;
  environment["AWS_LAMBDA_LOG_STREAM_NAME"] = config.log_stream_name;
  environment["LAMBDA_RUNTIME_DIR"] = "/var/runtime";
  if (config.concurrency > 1) {
    environment["AWS_LAMBDA_MAX_CONCURRENCY"] =
        std::to_string(config.concurrency);
    // Lines that say which request they belong to.
    environment["AWS_LAMBDA_LOG_FORMAT"] = "JSON";
  }
  return environment;
}

Environment TaskEnvironment(const Config& config, char** inherited) {
  Environment environment = Inherited(inherited);
  for (const auto& [name, value] : config.task_environment) {
    environment[name] = value;
  }
  return environment;
}

}  // namespace so::init
