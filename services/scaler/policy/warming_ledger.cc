#include "services/scaler/policy/warming_ledger.h"

namespace so {
namespace {

// How much a counter has grown. One that fell began anew at 0.
double Growth(double before, double after) {
  return after >= before ? after - before : after;
}

}  // namespace

void WarmingLedger::Observe(const FunctionLoad& load, absl::Time now) {
  const Totals latest = {.invocations = load.invocations,
                         .cold_starts = load.cold_starts,
                         .busy = load.busy_gb_seconds,
                         .idle = load.idle_gb_seconds};
  latest_idle_ = 0;
  if (known_) {
    latest_idle_ = Growth(previous_.idle, latest.idle);
    totals_.invocations += Growth(previous_.invocations, latest.invocations);
    totals_.cold_starts += Growth(previous_.cold_starts, latest.cold_starts);
    totals_.busy += Growth(previous_.busy, latest.busy);
    totals_.idle += latest_idle_;
  }
  previous_ = latest;
  known_ = true;
  flaps_.Observe(load.current(), now);
}

void WarmingLedger::NoteEnd(absl::Duration idle, double memory_gb) {
  if (idle > absl::ZeroDuration() && memory_gb > 0) {
    totals_.wasted += absl::ToDoubleSeconds(idle) * memory_gb;
  }
}

void WarmingLedger::Restore(const Totals& totals, double flaps) {
  totals_ = totals;
  flaps_.Restore(flaps);
}

}  // namespace so
