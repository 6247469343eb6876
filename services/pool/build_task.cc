#include "services/pool/build_task.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "services/pool/instance_message.h"

namespace so {
namespace {

using Json = nlohmann::json;

constexpr char kUnpackProgram[] = "/opt/so/so-unpack";
constexpr int kUnpackMemory = 512;
constexpr absl::Duration kUnpackTimeout = absl::Seconds(60);
constexpr int kBuildMemory = 2048;
constexpr int kBuildTimeout = 120;
// Compilers start a thread or more for each processor.
constexpr int kBuildPids = 512;
constexpr absl::Duration kLoadTimeout = absl::Seconds(10);

// Unlike those of instances, so that nothing mistakes one for the other.
std::string NextId() {
  static int64_t last = 0;  // Of the loop thread.
  return absl::StrCat("task-", ++last);
}

std::string TaskConfig(const Runtime& runtime,
                       const std::vector<std::string>& command) {
  std::map<std::string, std::string> environment = {
      {"PATH", "/usr/local/bin:/usr/bin:/bin"},
      {"LANG", "C.UTF-8"},
      {"HOME", "/tmp"},
      {"TMPDIR", "/tmp"}};
  for (const auto& [name, value] : runtime.descriptor().environment()) {
    environment[name] = value;
  }
  return Json{{"contract", 1},
              {"codeDir", std::string(kSandboxCodeDir)},
              {"task", {{"command", command}, {"environment", environment}}}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> BuildCommand(const Runtime& runtime,
                                      absl::string_view handler) {
  std::vector<std::string> command;
  for (const std::string& argument : runtime.build()->command()) {
    command.push_back(absl::StrReplaceAll(argument, {{"{handler}", handler}}));
  }
  return command;
}

int Processors() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

const Runtime* AnyNativeRuntime(const RuntimeCatalog& runtimes) {
  for (const std::string& name : runtimes.names()) {
    const Runtime* runtime = runtimes.Find(name);
    const auto& zygote = runtime->descriptor().zygote();
    if (!zygote.empty() && zygote.Get(0) == "/opt/so/so-init") return runtime;
  }
  return nullptr;
}

TaskSpec UnpackTask(const Runtime& runtime, const std::string& packed_dir,
                    const std::string& output_dir) {
  return {.sandbox = {.instance_id = NextId(),
                      .runtime = runtime.name(),
                      .code_dir = packed_dir,
                      .output_dir = output_dir,
                      .memory = kUnpackMemory,
                      .max_pids = 32},
          .config = TaskConfig(
              runtime,
              {kUnpackProgram, absl::StrCat(kSandboxCodeDir, "/", kArchiveFile),
               std::string(kSandboxOutputDir)}),
          .timeout = kUnpackTimeout};
}

TaskSpec BuildTask(const Runtime& runtime, absl::string_view handler,
                   const std::string& source_dir,
                   const std::string& output_dir) {
  const auto& build = *runtime.build();
  return {
      .sandbox = {.instance_id = NextId(),
                  .runtime = runtime.name(),
                  .code_dir = source_dir,
                  .output_dir = output_dir,
                  .memory = build.memory() > 0 ? build.memory() : kBuildMemory,
                  .max_pids = kBuildPids,
                  .cpu_percent = 100 * Processors()},
      .config = TaskConfig(runtime, BuildCommand(runtime, handler)),
      .timeout =
          absl::Seconds(build.timeout() > 0 ? build.timeout() : kBuildTimeout)};
}

TaskSpec LoadTask(const Runtime& runtime,
                  const serverless::function::v1::Function& function,
                  const std::string& code_dir) {
  TaskSpec task{.sandbox = {.instance_id = NextId(),
                            .runtime = runtime.name(),
                            .code_dir = code_dir,
                            .memory = runtime.EnforcedMemory(function.memory()),
                            .max_pids = runtime.max_pids()},
                .timeout = kLoadTimeout};
  task.config =
      ConfigPayload(function, task.sandbox.instance_id, kSandboxCodeDir);
  return task;
}

std::string BuildKey(const Runtime& runtime, absl::string_view handler) {
  if (runtime.build() == nullptr) return "";
  return absl::StrCat(runtime.name(), "\n", runtime.build()->revision(), "\n",
                      absl::StrJoin(BuildCommand(runtime, handler), "\n"));
}

}  // namespace so
