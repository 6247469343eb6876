#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace so::egress {

// Addresses and masks are in host byte order.
struct Ipv4Range {
  uint32_t base = 0;
  uint32_t mask = 0;

  bool Contains(uint32_t address) const { return (address & mask) == base; }
};

// "10.1.2.3"; none when it is not one.
std::optional<uint32_t> ParseIpv4(const std::string& text);

// "10.0.0.0/8", or an address alone. None when it is neither, or has bits
// beyond its prefix.
std::optional<Ipv4Range> ParseIpv4Range(const std::string& text);

}  // namespace so::egress
