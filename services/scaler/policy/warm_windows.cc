#include "services/scaler/policy/warm_windows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

std::string Local(absl::Time time, absl::TimeZone zone) {
  if (time == absl::InfiniteFuture()) return "never";
  return absl::FormatTime("%Y-%m-%d %H:%M", time, zone);
}

// "\"0 9 * * 1-5\" (Europe/Berlin)".
std::string NameOf(const WarmWindowSpec& window) {
  return absl::StrCat("\"", window.start.text(), "\" (", window.zone.name(),
                      ")");
}

}  // namespace

WarmWindows::WarmWindows(std::vector<WarmWindowSpec> windows)
    : windows_(std::move(windows)) {}

Proposal WarmWindows::Propose(const FunctionLoad& /*load*/,
                              const FunctionSpec& spec, absl::Time now) {
  const WarmWindowSpec* largest = nullptr;
  absl::Time until;
  for (const WarmWindowSpec& window : windows_) {
    const absl::Time end =
        window.start.Previous(now, window.zone) + window.duration;
    if (end <= now) continue;
    // Of two that are as large, the one that is open for longer.
    if (largest == nullptr || window.instances > largest->instances ||
        (window.instances == largest->instances && end > until)) {
      largest = &window;
      until = end;
    }
  }
  Proposal proposal = {.policy = std::string(name())};
  if (largest != nullptr) {
    proposal.wanted =
        std::clamp(largest->instances, 0, std::max(spec.max_instances, 1));
    proposal.formula =
        absl::StrCat("window ", NameOf(*largest), " open until ",
                     Local(until, largest->zone), "; ", proposal.wanted);
    return proposal;
  }
  const auto next = std::min_element(
      windows_.begin(), windows_.end(), [&](const auto& a, const auto& b) {
        return a.start.Next(now, a.zone) < b.start.Next(now, b.zone);
      });
  proposal.formula =
      next == windows_.end()
          ? "no windows; 0"
          : absl::StrCat("no window open; next ", NameOf(*next), " at ",
                         Local(next->start.Next(now, next->zone), next->zone),
                         "; 0");
  return proposal;
}

absl::Time WarmWindows::NextStart(absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  for (const WarmWindowSpec& window : windows_) {
    next = std::min(next, window.start.Next(now, window.zone));
  }
  return next;
}

}  // namespace so
