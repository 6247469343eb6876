#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace so {

// A free instance that could go.
struct Evictable {
  std::string id;
  // What it takes of the node, in MB.
  int memory = 0;
  // Since its last call ended, or it became warm.
  absl::Duration idle;
  // How long another one takes to start and to load its code, as measured of
  // its function.
  absl::Duration cold_start;
  // Its function has more than the scaler wants.
  bool surplus = false;
};

// What losing the instance costs, in seconds of waiting per MB that it frees:
// the probability that it is needed soon, times its cold start. One idle for t
// is expected to be called within the next 10 s with probability
// 10 s / (10 s + t): what has rested for long goes on to. A surplus one is not
// expected to be needed.
double EvictionCost(const Evictable& instance);

// The cheapest to lose first: those that are surplus, then by cost; the longest
// idle first where that is the same, then by id. Pure.
std::vector<Evictable> EvictionOrder(std::vector<Evictable> instances);

}  // namespace so
