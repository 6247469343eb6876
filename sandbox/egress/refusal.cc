#include "sandbox/egress/refusal.h"

#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <cstring>

#include "sandbox/egress/ipv4_range.h"
#include "sandbox/protocol/egress_network.h"

namespace so::egress {
namespace {

constexpr size_t kIpHeader = 20;
constexpr size_t kIcmpHeader = 8;
// Of what was refused: its header and the ports.
constexpr size_t kQuoted = 8;
constexpr uint8_t kTimeToLive = 64;

void Put16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

size_t Checksum(const uint8_t* data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i < size; ++i) {
    sum += i % 2 == 0 ? uint32_t{data[i]} << 8 : data[i];
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

}  // namespace

std::vector<uint8_t> MakeRefusal(const uint8_t* packet, size_t size) {
  const size_t quoted = std::min(size, size_t{packet[0] & 0xfU} * 4 + kQuoted);
  std::vector<uint8_t> answer(kIpHeader + kIcmpHeader + quoted);
  uint8_t* ip = answer.data();
  ip[0] = 0x45;
  Put16(ip + 2, answer.size());
  ip[8] = kTimeToLive;
  ip[9] = IPPROTO_ICMP;
  const uint32_t source = htonl(*ParseIpv4(kGateway));
  std::memcpy(ip + 12, &source, sizeof(source));
  std::memcpy(ip + 16, packet + 12, 4);
  Put16(ip + 10, Checksum(ip, kIpHeader));
  uint8_t* icmp = ip + kIpHeader;
  icmp[0] = ICMP_DEST_UNREACH;
  icmp[1] = ICMP_PKT_FILTERED;
  std::memcpy(icmp + kIcmpHeader, packet, quoted);
  Put16(icmp + 2, Checksum(icmp, kIcmpHeader + quoted));
  return answer;
}

}  // namespace so::egress
