#include "services/scaler/scaling_settings.h"

namespace so {

absl::string_view ToString(PredictionMode mode) {
  switch (mode) {
    case PredictionMode::kOff:
      return "off";
    case PredictionMode::kShadow:
      return "shadow";
    case PredictionMode::kAuto:
      return "auto";
    case PredictionMode::kOn:
      return "on";
  }
  return "auto";
}

PredictionMode ParsePredictionMode(absl::string_view text) {
  for (const PredictionMode mode : {PredictionMode::kOff,
                                    PredictionMode::kShadow,
                                    PredictionMode::kOn}) {
    if (ToString(mode) == text) return mode;
  }
  return PredictionMode::kAuto;
}

}  // namespace so
