#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "services/registry/function.h"

namespace so {

// A function that passes every check, with only what is required.
inline Function ValidFunction(absl::string_view name) {
  Function function;
  function.set_name(std::string(name));
  function.set_runtime("node");
  function.set_handler("index.handler");
  function.set_code("exports.handler = async () => 1");
  return function;
}

// An HTTP trigger of `function`.
inline void AddRoute(absl::string_view method, absl::string_view path,
                     Function& function) {
  auto* trigger = function.add_triggers();
  trigger->set_type("http");
  auto& config = *trigger->mutable_config()->mutable_fields();
  config["method"].set_string_value(std::string(method));
  config["path"].set_string_value(std::string(path));
}

}  // namespace so
