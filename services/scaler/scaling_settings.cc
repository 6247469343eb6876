#include "services/scaler/scaling_settings.h"

namespace so {

absl::string_view ToString(PredictionSetting mode) {
  switch (mode) {
    case PredictionSetting::kOff:
      return "off";
    case PredictionSetting::kShadow:
      return "shadow";
    case PredictionSetting::kAuto:
      return "auto";
    case PredictionSetting::kOn:
      return "on";
  }
  return "auto";
}

PredictionSetting ParsePredictionSetting(absl::string_view text) {
  for (const PredictionSetting mode :
       {PredictionSetting::kOff, PredictionSetting::kShadow,
        PredictionSetting::kOn}) {
    if (ToString(mode) == text) return mode;
  }
  return PredictionSetting::kAuto;
}

}  // namespace so
