#include "services/pool/prefetcher.h"

#include <utility>

namespace so {
namespace {

constexpr int kMaxInFlight = 4;

}  // namespace

void Prefetcher::Add(FunctionPtr function) {
  waiting_.push_back(std::move(function));
  Next();
}

void Prefetcher::Next() {
  while (in_flight_ < kMaxInFlight && !waiting_.empty()) {
    const FunctionPtr function = std::move(waiting_.front());
    waiting_.pop_front();
    ++in_flight_;
    store_.Prepare(function, [this](const absl::StatusOr<std::string>&) {
      --in_flight_;
      Next();
    });
  }
}

}  // namespace so
