#include "sandbox/egress/destination_filter.h"

#include <netinet/in.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sandbox/egress/refusal.h"
#include "sandbox/protocol/egress_network.h"

namespace so::egress {
namespace {

struct PacketOf {
  std::string to;
  uint16_t port = 80;
  uint8_t protocol = IPPROTO_TCP;
  uint16_t fragment = 0;
  std::string from = kSandboxAddress;
};

void Put32(std::vector<uint8_t>& packet, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) {
    packet[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  }
}

std::vector<uint8_t> Make(const PacketOf& what) {
  std::vector<uint8_t> packet(40);
  packet[0] = 0x45;
  packet[6] = static_cast<uint8_t>(what.fragment >> 8);
  packet[7] = static_cast<uint8_t>(what.fragment);
  packet[9] = what.protocol;
  Put32(packet, 12, *ParseIpv4(what.from));
  Put32(packet, 16, *ParseIpv4(what.to));
  packet[22] = static_cast<uint8_t>(what.port >> 8);
  packet[23] = static_cast<uint8_t>(what.port);
  return packet;
}

class DestinationFilterTest : public testing::Test {
 protected:
  Verdict Judge(const PacketOf& what) { return JudgeBytes(Make(what)); }
  Verdict JudgeBytes(const std::vector<uint8_t>& packet) {
    return filter_.Judge(packet.data(), packet.size());
  }

  const uint32_t own_ = *ParseIpv4("203.0.113.2");
  const uint32_t own_private_ = *ParseIpv4("10.7.0.2");
  DestinationFilter filter_{{*ParseIpv4Range("10.7.0.0/16")},
                            [this](uint32_t address) {
                              return address == own_ || address == own_private_;
                            }};
};

TEST_F(DestinationFilterTest, PublicAddressesPass) {
  for (const char* address :
       {"203.0.113.1", "1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.0.1",
        "172.32.0.1", "100.63.255.255", "198.20.0.0", "223.1.1.1"}) {
    EXPECT_EQ(Judge({.to = address}), Verdict::kPass) << address;
    EXPECT_EQ(Judge({.to = address, .protocol = IPPROTO_UDP}), Verdict::kPass);
  }
}

TEST_F(DestinationFilterTest, OthersAreRefused) {
  for (const char* address :
       {"0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
        "192.168.1.1", "198.18.0.2", "198.19.255.255", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255"}) {
    EXPECT_EQ(Judge({.to = address}), Verdict::kRefuse) << address;
  }
}

TEST_F(DestinationFilterTest, HostIsRefusedEvenInAnAllowedRange) {
  EXPECT_EQ(Judge({.to = "203.0.113.2"}), Verdict::kRefuse);
  EXPECT_EQ(Judge({.to = "10.7.0.1"}), Verdict::kPass);
  EXPECT_EQ(Judge({.to = "10.7.0.2"}), Verdict::kRefuse);
}

TEST_F(DestinationFilterTest, NameServerHasOnePort) {
  EXPECT_EQ(Judge({.to = kNameServer, .port = 53}), Verdict::kPass);
  EXPECT_EQ(Judge({.to = kNameServer, .port = 54}), Verdict::kRefuse);
  // More fragments follow; a later fragment.
  EXPECT_EQ(Judge({.to = kNameServer, .port = 53, .fragment = 0x2000}),
            Verdict::kRefuse);
  EXPECT_EQ(Judge({.to = kNameServer, .port = 53, .fragment = 1}),
            Verdict::kRefuse);
  // Must not be fragmented, and is not.
  EXPECT_EQ(Judge({.to = kNameServer, .port = 53, .fragment = 0x4000}),
            Verdict::kPass);
}

TEST_F(DestinationFilterTest, OtherProtocolsAreRefused) {
  EXPECT_EQ(Judge({.to = "1.1.1.1", .protocol = IPPROTO_ICMP}),
            Verdict::kRefuse);
}

TEST_F(DestinationFilterTest, OddPacketsAreDropped) {
  EXPECT_EQ(Judge({.to = "1.1.1.1", .from = "127.0.0.1"}), Verdict::kDrop);
  EXPECT_EQ(JudgeBytes({}), Verdict::kDrop);
  std::vector<uint8_t> packet = Make({.to = "1.1.1.1"});
  packet[0] = 0x65;
  EXPECT_EQ(JudgeBytes(packet), Verdict::kDrop);
  packet[0] = 0x44;
  EXPECT_EQ(JudgeBytes(packet), Verdict::kDrop);
  // A header longer than the packet.
  packet[0] = 0x4f;
  EXPECT_EQ(JudgeBytes(packet), Verdict::kDrop);
}

TEST(RefusalTest, QuotesThePacketWithValidChecksums) {
  const std::vector<uint8_t> packet = Make({.to = "10.0.0.1"});
  const std::vector<uint8_t> refusal =
      MakeRefusal(packet.data(), packet.size());
  ASSERT_EQ(refusal.size(), 20u + 8 + 28);
  EXPECT_EQ(refusal[20], 3);
  EXPECT_EQ(refusal[21], 13);
  EXPECT_TRUE(
      std::equal(packet.begin(), packet.begin() + 28, refusal.begin() + 28));
  const auto sum = [&](size_t begin, size_t end) {
    uint32_t total = 0;
    for (size_t i = begin; i < end; i += 2) {
      total += uint32_t{refusal[i]} << 8 | refusal[i + 1];
    }
    while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
    return total;
  };
  EXPECT_EQ(sum(0, 20), 0xffffu);
  EXPECT_EQ(sum(20, refusal.size()), 0xffffu);
}

}  // namespace
}  // namespace so::egress
