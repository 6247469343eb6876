#include "sandbox/egress/ipv4_range.h"

#include <arpa/inet.h>

namespace so::egress {

std::optional<uint32_t> ParseIpv4(const std::string& text) {
  in_addr address;
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::optional<Ipv4Range> ParseIpv4Range(const std::string& text) {
  const size_t slash = text.find('/');
  const std::optional<uint32_t> base = ParseIpv4(text.substr(0, slash));
  if (!base) return std::nullopt;
  if (slash == std::string::npos) return Ipv4Range{*base, 0xffffffff};
  const std::string digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 2 ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const int bits = std::stoi(digits);
  if (bits > 32) return std::nullopt;
  const uint32_t mask = bits == 0 ? 0 : 0xffffffffU << (32 - bits);
  if ((*base & ~mask) != 0) return std::nullopt;
  return Ipv4Range{*base, mask};
}

}  // namespace so::egress
