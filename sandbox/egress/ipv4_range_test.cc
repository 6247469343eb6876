#include "sandbox/egress/ipv4_range.h"

#include "gtest/gtest.h"

namespace so::egress {
namespace {

TEST(Ipv4RangeTest, ContainsWhatSharesItsPrefix) {
  const auto range = ParseIpv4Range("172.16.0.0/12");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->Contains(*ParseIpv4("172.16.0.0")));
  EXPECT_TRUE(range->Contains(*ParseIpv4("172.31.255.255")));
  EXPECT_FALSE(range->Contains(*ParseIpv4("172.32.0.0")));
  EXPECT_FALSE(range->Contains(*ParseIpv4("172.15.255.255")));
}

TEST(Ipv4RangeTest, AddressAloneIsARangeOfOne) {
  const auto range = ParseIpv4Range("10.1.2.3");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->Contains(*ParseIpv4("10.1.2.3")));
  EXPECT_FALSE(range->Contains(*ParseIpv4("10.1.2.2")));
}

TEST(Ipv4RangeTest, PrefixOfNothingIsEverything) {
  const auto range = ParseIpv4Range("0.0.0.0/0");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->Contains(*ParseIpv4("255.255.255.255")));
}

TEST(Ipv4RangeTest, RefusesWhatIsNoRange) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
        "10.0.0.1/8", "10.0.0/8", "fc00::/7", "10.0.0.0/8/8", " 10.0.0.0/8"}) {
    EXPECT_FALSE(ParseIpv4Range(text)) << text;
  }
}

}  // namespace
}  // namespace so::egress
