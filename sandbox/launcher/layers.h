#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/protocol/messages.h"

namespace so {

// Some layers of isolation.
class LayerSet {
 public:
  void Add(launcher::Layer layer) { bits_ |= Bit(layer); }
  bool Contains(launcher::Layer layer) const {
    return (bits_ & Bit(layer)) != 0;
  }
  bool empty() const { return bits_ == 0; }
  // As in launcher::Hello.
  uint32_t bits() const { return bits_; }

 private:
  static uint32_t Bit(launcher::Layer layer) {
    return 1U << static_cast<uint32_t>(layer);
  }
  uint32_t bits_ = 0;
};

// "user namespace".
absl::string_view LayerName(launcher::Layer layer);
// As written in --allow_missing: "user-namespace".
std::string LayerFlag(launcher::Layer layer);

// From such names, comma-separated.
absl::StatusOr<LayerSet> ParseLayers(absl::string_view names);

}  // namespace so
