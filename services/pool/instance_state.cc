#include "services/pool/instance_state.h"

#include <array>

namespace so {
namespace {

namespace pb = serverless::pool::v1;

constexpr InstanceState kNone = pb::INSTANCE_STATE_UNSPECIFIED;
constexpr InstanceState kWarming = pb::INSTANCE_STATE_WARMING;
constexpr InstanceState kWarm = pb::INSTANCE_STATE_WARM;
constexpr InstanceState kBusy = pb::INSTANCE_STATE_BUSY;
constexpr InstanceState kGoing = pb::INSTANCE_STATE_TERMINATING;

// Rows by state, from UNSPECIFIED; columns by event.
constexpr std::array<std::array<InstanceState, 5>, 6> kTable = {{
    {kNone, kNone, kNone, kNone, kNone},
    {kWarming, kNone, kNone, kNone, kGoing},
    {kNone, kWarm, kNone, kNone, kGoing},
    {kNone, kNone, kBusy, kNone, kGoing},
    {kNone, kNone, kBusy, kWarm, kGoing},
    {kNone, kNone, kNone, kNone, kNone},
}};

}  // namespace

std::optional<InstanceState> NextState(InstanceState state,
                                       InstanceEvent event) {
  const auto row = static_cast<size_t>(state);
  if (row >= kTable.size()) return std::nullopt;
  const InstanceState next = kTable[row][static_cast<size_t>(event)];
  if (next == kNone) return std::nullopt;
  return next;
}

absl::string_view StateName(InstanceState state) {
  switch (state) {
    case pb::INSTANCE_STATE_COLD:
      return "cold";
    case pb::INSTANCE_STATE_WARMING:
      return "warming";
    case pb::INSTANCE_STATE_WARM:
      return "warm";
    case pb::INSTANCE_STATE_BUSY:
      return "busy";
    case pb::INSTANCE_STATE_TERMINATING:
      return "terminating";
    default:
      return "unspecified";
  }
}

absl::string_view EventName(InstanceEvent event) {
  constexpr std::array<absl::string_view, 5> kNames = {
      "start", "ready", "invoke", "finish", "end"};
  return kNames[static_cast<size_t>(event)];
}

}  // namespace so
