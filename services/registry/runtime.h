#pragma once

#include <regex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace so {

// What the registry needs to know of a language runtime. Which of them a node
// really has is known to the pool.
struct Runtime {
  std::string name;
  // A handler matches it as a whole.
  std::regex handler;
  // What a handler looks like, for error messages.
  std::string handler_form;
  // Taken when a function names none; empty: it has to.
  std::string default_handler;
  // Whether one instance can run several calls at a time.
  bool concurrent = false;
};

// The runtimes of this release.
const std::vector<Runtime>& SupportedRuntimes();

// Null when there is no such runtime.
const Runtime* FindRuntime(absl::string_view name);

}  // namespace so
