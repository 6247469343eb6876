#pragma once

#include <string>
#include <vector>

namespace so {

// Looks, from inside a sandbox, at what it can see and do. Returns what is not
// as it has to be, as LAYER|TEXT; LAYER is a name of launcher::kLayers, or
// "files", "processes" or "identity". Empty when all is well.
std::vector<std::string> FindLayerProblems();

}  // namespace so
