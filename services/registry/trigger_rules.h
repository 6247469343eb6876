#pragma once

#include <string>
#include <vector>

#include "services/registry/field_problems.h"
#include "services/registry/function.h"

namespace so {

// One HTTP trigger as a route: where it answers.
struct HttpRoute {
  // The client's path of the trigger: "triggers[0].config.path".
  std::string field;
  // "GET /users/{user}".
  std::string text;
  // Equal for routes that answer the same requests: the names of path
  // parameters do not count.
  std::string key;
};

// Reports everything that is wrong with the triggers of `function`, each by
// itself and against each other.
void CheckTriggers(const Function& function, FieldProblems& problems);

// The routes of a function whose triggers are in order. A trigger with an empty
// config has none.
std::vector<HttpRoute> HttpRoutes(const Function& function);

}  // namespace so
