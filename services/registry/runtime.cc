#include "services/registry/runtime.h"

namespace so {

const std::vector<Runtime>& SupportedRuntimes() {
  static const auto& runtimes = *new std::vector<Runtime>{
      {.name = "node",
       .handler = std::regex(
           R"([A-Za-z0-9_-][A-Za-z0-9_/-]*(\.[A-Za-z_$][A-Za-z0-9_$]*)+)"),
       .handler_form = "file.export, as in index.handler",
       .concurrent = true},
      {.name = "python",
       .handler = std::regex(
           R"([A-Za-z0-9_-][A-Za-z0-9_/-]*(\.[A-Za-z_][A-Za-z0-9_]*)+)"),
       .handler_form = "module.function, as in main.handler"},
      {.name = "go",
       .handler = std::regex(R"([A-Za-z_][A-Za-z0-9_]*)"),
       .handler_form = "the name of a function, as in Handler",
       .default_handler = "Handler",
       .concurrent = true},
      {.name = "rust",
       .handler = std::regex(R"([A-Za-z_][A-Za-z0-9_]*)"),
       .handler_form = "the name of a function, as in handler",
       .default_handler = "handler"},
      {.name = "custom",
       .handler = std::regex(R"([A-Za-z0-9_./:$-]+)"),
       .handler_form = "letters, digits and _./:$- (bootstrap may read it)",
       .default_handler = "bootstrap"},
  };
  return runtimes;
}

const Runtime* FindRuntime(absl::string_view name) {
  for (const Runtime& runtime : SupportedRuntimes()) {
    if (runtime.name == name) return &runtime;
  }
  return nullptr;
}

}  // namespace so
