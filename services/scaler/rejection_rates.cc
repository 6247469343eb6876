#include "services/scaler/rejection_rates.h"

#include <utility>

namespace so {

void RejectionRates::Update(std::vector<FunctionLoad>& loads) {
  absl::flat_hash_map<std::string, Counters> latest;
  latest.reserve(loads.size());
  for (FunctionLoad& load : loads) {
    load.error_rate.reset();
    if (const auto it = previous_.find(load.function_id);
        it != previous_.end()) {
      const double calls = load.invocations - it->second.invocations;
      const double refused = load.rejected - it->second.rejected;
      if (calls > 0 && refused >= 0) load.error_rate = refused / calls;
    }
    latest[load.function_id] = {load.invocations, load.rejected};
  }
  previous_ = std::move(latest);
}

}  // namespace so
