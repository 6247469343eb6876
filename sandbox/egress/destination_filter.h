#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "sandbox/egress/ipv4_range.h"

namespace so::egress {

enum class Verdict {
  kPass,
  kRefuse,  // The sender should be told.
  kDrop,    // Nothing that could be answered.
};

// Says which packets of a sandbox may leave: TCP and UDP to public addresses,
// and to the name server's port 53.
class DestinationFilter {
 public:
  // `is_own` says whether an address (host byte order) is the host's own.
  // Those are never reached, not even when they are in an `allowed` range.
  DestinationFilter(std::vector<Ipv4Range> allowed,
                    std::function<bool(uint32_t)> is_own);

  // `packet` is an IPv4 packet, or whatever else the sandbox has sent.
  Verdict Judge(const uint8_t* packet, size_t size) const;

 private:
  bool MayReach(uint32_t address) const;

  const std::vector<Ipv4Range> allowed_;
  const std::function<bool(uint32_t)> is_own_;
  std::vector<Ipv4Range> closed_;
  const uint32_t sandbox_;
  const uint32_t name_server_;
};

}  // namespace so::egress
