#include "sandbox/launcher/layers.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace so {
namespace {

launcher::Layer LayerAt(size_t index) {
  return static_cast<launcher::Layer>(index);
}

}  // namespace

absl::string_view LayerName(launcher::Layer layer) {
  return launcher::kLayers[static_cast<size_t>(layer)];
}

std::string LayerFlag(launcher::Layer layer) {
  return absl::StrReplaceAll(LayerName(layer), {{" ", "-"}});
}

absl::StatusOr<LayerSet> ParseLayers(absl::string_view names) {
  LayerSet layers;
  for (absl::string_view name : absl::StrSplit(names, ',', absl::SkipEmpty())) {
    name = absl::StripAsciiWhitespace(name);
    bool found = false;
    std::vector<std::string> known;
    for (size_t i = 0; i < launcher::kLayerCount; ++i) {
      known.push_back(LayerFlag(LayerAt(i)));
      if (known.back() != name) continue;
      layers.Add(LayerAt(i));
      found = true;
    }
    if (!found) {
      return absl::InvalidArgumentError(
          absl::StrCat("allow_missing: no layer \"", name, "\"; there are ",
                       absl::StrJoin(known, ", ")));
    }
  }
  return layers;
}

}  // namespace so
