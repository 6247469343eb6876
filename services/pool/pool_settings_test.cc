#include "services/pool/pool_settings.h"

#include "gtest/gtest.h"

namespace so {
namespace {

TEST(PoolSettingsTest, ZeroMeansWhatTheMachineHas) {
  const InstancePool::Options options = PoolOptions({});
  EXPECT_GT(options.capacity.memory, 0);
  EXPECT_GE(options.max_concurrent_starts, 4);
}

TEST(PoolSettingsTest, TheLeastNumberOfParkedSandboxesWins) {
  serverless::config::v1::PoolConfig config;
  config.set_parked_min(9);
  config.set_parked_max(4);
  EXPECT_EQ(ParkingOptions(config).min, 9);
  EXPECT_EQ(ParkingOptions(config).max, 9);
}

}  // namespace
}  // namespace so
