#pragma once

#include <regex>
#include <string>
#include <vector>

namespace so {

// What the registry needs to know of a language runtime.
struct Runtime {
  std::string name;
  // A handler matches it as a whole.
  std::regex handler;
  // What a handler looks like, for error messages.
  std::string handler_form;
};

// The runtimes of this release.
std::vector<Runtime> SupportedRuntimes();

}  // namespace so
