#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace so {

// What one function has of a node, and what it could use.
struct Claim {
  // What one instance takes, in MB; above 0.
  int unit = 1;
  // Instances it has, those that are starting included.
  int instances = 0;
  // Instances it could use: its calls running and waiting, as far as its own
  // limits allow.
  int wanted = 0;
  // Instances that are never taken from it.
  int reserved = 0;
  // Whether it was refused an instance that it still wants.
  bool contends = false;
  // For how long a call of its has been waiting while it had no instance.
  absl::Duration waited = {};
  // How long it has had an instance without interruption.
  absl::Duration held_for = {};

  double held() const { return static_cast<double>(instances) * unit; }
};

// One instance of `giver` makes room for one of `taker`: indices of claims.
struct Transfer {
  size_t taker = 0;
  size_t giver = 0;
};

// Shares a node's memory between functions. See docs/adr/0012.
struct FairShare {
  double capacity = 0;  // MB
  // How long a function without an instance waits before one gives way to it
  // whatever the shares, and for how long it then keeps its only one.
  absl::Duration turn = absl::Milliseconds(500);

  // The max-min fair share of each, in MB: nobody gets more than it wants, and
  // what one leaves is divided among the others.
  std::vector<double> Shares(const std::vector<Claim>& claims) const;

  // Those that contend: who has the least part of its share first, then who
  // has waited longest.
  std::vector<size_t> Order(const std::vector<Claim>& claims) const;

  // The next instance that should change hands, if any: from the function
  // furthest above its share to the first in order for whom that leads to an
  // instance. Instances that are needed only together are named one at a time.
  std::optional<Transfer> Next(const std::vector<Claim>& claims) const;
};

}  // namespace so
