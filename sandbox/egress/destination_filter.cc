#include "sandbox/egress/destination_filter.h"

#include <netinet/in.h>

#include <utility>

#include "sandbox/protocol/egress_network.h"

namespace so::egress {
namespace {

// Everything that is not public (RFC 6890), but for the documentation ranges,
// where there is nothing to protect.
constexpr const char* kClosed[] = {
    "0.0.0.0/8",       // this network
    "10.0.0.0/8",      // private
    "100.64.0.0/10",   // shared by customers of a provider
    "127.0.0.0/8",     // loopback
    "169.254.0.0/16",  // link-local, metadata services among them
    "172.16.0.0/12",   // private
    "192.0.0.0/24",    // protocol assignments
    "192.168.0.0/16",  // private
    "198.18.0.0/15",   // benchmarks, and the sandbox's own network
    "224.0.0.0/4",     // multicast
    "240.0.0.0/4",     // reserved, broadcast
};

constexpr uint16_t kDomainPort = 53;
constexpr size_t kHeader = 20;
// More fragments follow, or this is not the first.
constexpr uint16_t kFragment = 0x3fff;

uint16_t Get16(const uint8_t* at) {
  return static_cast<uint16_t>(at[0] << 8 | at[1]);
}

uint32_t Get32(const uint8_t* at) {
  return uint32_t{Get16(at)} << 16 | Get16(at + 2);
}

}  // namespace

DestinationFilter::DestinationFilter(std::vector<Ipv4Range> allowed,
                                     std::function<bool(uint32_t)> is_own)
    : allowed_(std::move(allowed)),
      is_own_(std::move(is_own)),
      sandbox_(*ParseIpv4(kSandboxAddress)),
      name_server_(*ParseIpv4(kNameServer)) {
  for (const char* range : kClosed) closed_.push_back(*ParseIpv4Range(range));
}

Verdict DestinationFilter::Judge(const uint8_t* packet, size_t size) const {
  if (size < kHeader || packet[0] >> 4 != 4) return Verdict::kDrop;
  const size_t header = size_t{packet[0] & 0xfU} * 4;
  // With the ports, which TCP and UDP have in the same place.
  if (header < kHeader || size < header + 4) return Verdict::kDrop;
  if (Get32(packet + 12) != sandbox_) return Verdict::kDrop;
  const uint8_t protocol = packet[9];
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) {
    return Verdict::kRefuse;
  }
  const uint32_t destination = Get32(packet + 16);
  if (destination == name_server_) {
    // A fragment could be put together with another port.
    const bool whole = (Get16(packet + 6) & kFragment) == 0;
    return whole && Get16(packet + header + 2) == kDomainPort
               ? Verdict::kPass
               : Verdict::kRefuse;
  }
  return MayReach(destination) ? Verdict::kPass : Verdict::kRefuse;
}

bool DestinationFilter::MayReach(uint32_t address) const {
  if (is_own_(address)) return false;
  for (const Ipv4Range& range : allowed_) {
    if (range.Contains(address)) return true;
  }
  for (const Ipv4Range& range : closed_) {
    if (range.Contains(address)) return false;
  }
  return true;
}

}  // namespace so::egress
