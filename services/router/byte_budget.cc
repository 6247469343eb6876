#include "services/router/byte_budget.h"

namespace so {

ByteBudget::Verdict ByteBudget::Check(const std::string& function_id,
                                      int64_t bytes) const {
  const auto it = by_function_.find(function_id);
  const int64_t own = it == by_function_.end() ? 0 : it->second;
  if (own + bytes > per_function_) return Verdict::kFunctionFull;
  return held_ + bytes > total_ ? Verdict::kFull : Verdict::kFits;
}

void ByteBudget::Hold(const std::string& function_id, int64_t bytes) {
  by_function_[function_id] += bytes;
  held_ += bytes;
}

void ByteBudget::Release(const std::string& function_id, int64_t bytes) {
  const auto it = by_function_.find(function_id);
  if (it == by_function_.end()) return;
  held_ -= bytes;
  it->second -= bytes;
  if (it->second == 0) by_function_.erase(it);
}

}  // namespace so
