#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "base/ids.h"
#include "base/testing/inline_executor.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/pool/builder.h"
#include "services/pool/code_cache.h"
#include "services/pool/code_files.h"
#include "services/pool/testing/fake_sandbox.h"

namespace so {

// Answers when told to.
class HeldCodeSource final : public CodeSource {
 public:
  void Fetch(absl::string_view, OnCode done) override {
    ++fetches;
    held = std::move(done);
  }
  void Answer(absl::StatusOr<Code> code) {
    std::exchange(held, nullptr)(std::move(code));
  }
  int fetches = 0;
  OnCode held;
};

// Builder and code cache on a disk of their own, with sandboxes that do what
// the test says. Runtimes: node (checked), go (built), custom (archives only).
class BuildFixture {
 public:
  BuildFixture()
      : dir_(std::filesystem::path(::testing::TempDir()) /
             ("code-" + RandomToken(10))),
        runtimes_(Runtimes()) {
    std::filesystem::create_directories(dir_ / ".new-left-behind" / "folder");
    cache_ = *CodeCache::Create({.dir = dir_.string(),
                                 .runtimes = runtimes_,
                                 .tasks = tasks_,
                                 .builds = builds_,
                                 .disk = executor_,
                                 .loop = executor_},
                                source_);
    builder_ = std::make_unique<Builder>(Builder::Dependencies{
        .runtimes = runtimes_, .cache = *cache_, .tasks = tasks_});
  }
  ~BuildFixture() { RemoveTree(dir_.string()); }

  static RuntimeCatalog Runtimes() {
    std::map<std::string, Runtime> runtimes;
    for (const char* text :
         {R"(name: "node" zygote: "node" check_handler: true memory_floor: 64
             source { split: SPLIT_FIRST_DOT files: "{file}.js"
                      files: "{file}.mjs" })",
          R"(name: "python" zygote: "python3" check_handler: true
             source { split: SPLIT_LAST_DOT dots_are_folders: true
                      files: "{file}.py" })",
          R"(name: "go" zygote: "/opt/so/so-init"
             environment { key: "GOFLAGS" value: "-mod=vendor" }
             source { split: SPLIT_NONE files: "handler.go" }
             build { command: "/var/runtime/build" command: "{handler}"
                     revision: "1" timeout: 100 })",
          R"(name: "custom" zygote: "/opt/so/so-init"
             source { split: SPLIT_NONE })"}) {
      serverless::config::v1::RuntimeDescriptor descriptor;
      EXPECT_TRUE(
          google::protobuf::TextFormat::ParseFromString(text, &descriptor));
      const std::string name = descriptor.name();
      runtimes.emplace(name, Runtime(std::move(descriptor)));
    }
    return RuntimeCatalog(std::move(runtimes));
  }

  static std::string Read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  // What the program in the last sandbox leaves behind, before it exits.
  void Write(const std::string& name, const std::string& content,
             int mode = 0644) {
    const std::filesystem::path path =
        std::filesystem::path(sandbox_.last().spec.output_dir) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
    std::filesystem::permissions(path,
                                 static_cast<std::filesystem::perms>(mode));
  }
  // Directories that are complete, and all others.
  int CountDirectories(bool finished) const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      count += (entry.path().filename().string()[0] != '.') == finished;
    }
    return count;
  }

  const std::filesystem::path dir_;
  const RuntimeCatalog runtimes_;
  ManualClock clock_;
  InlineExecutor executor_;
  FakeSandbox sandbox_;
  TaskQueue tasks_{{.parallel = 2, .depth = 2}, sandbox_, clock_};
  TaskQueue builds_{{.parallel = 1, .depth = 2}, sandbox_, clock_};
  HeldCodeSource source_;
  std::unique_ptr<CodeCache> cache_;
  std::unique_ptr<Builder> builder_;
};

}  // namespace so
