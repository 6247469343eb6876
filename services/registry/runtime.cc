#include "services/registry/runtime.h"

namespace so {

std::vector<Runtime> SupportedRuntimes() {
  return {
      {.name = "node",
       .handler = std::regex(
           R"([A-Za-z0-9_-][A-Za-z0-9_/-]*(\.[A-Za-z_$][A-Za-z0-9_$]*)+)"),
       .handler_form = "file.export, as in index.handler"},
      {.name = "python",
       .handler = std::regex(
           R"([A-Za-z0-9_-][A-Za-z0-9_/-]*(\.[A-Za-z_][A-Za-z0-9_]*)+)"),
       .handler_form = "module.function, as in main.handler"},
  };
}

}  // namespace so
