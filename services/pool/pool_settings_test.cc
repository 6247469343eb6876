#include "services/pool/pool_settings.h"

#include <unistd.h>

#include <filesystem>

#include "base/ids.h"
#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace so {
namespace {

namespace fs = std::filesystem;

TEST(PoolSettingsTest, ZeroMeansWhatTheMachineHas) {
  const InstancePool::Options options = PoolOptions({});
  EXPECT_GT(options.capacity.memory, 0);
  EXPECT_GE(options.max_concurrent_starts, 4);
}

TEST(PoolSettingsTest, NamesTheFolderThatKeepsInstancesOut) {
  if (geteuid() != 0) GTEST_SKIP() << "instances run as the same user";
  const fs::path closed =
      fs::path(::testing::TempDir()) / ("closed-" + RandomToken(10));
  fs::create_directories(closed / "inside");
  fs::permissions(closed, fs::perms::owner_all);
  const absl::Status status = CheckReachable((closed / "inside/x").string(), 7);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr(closed.string() + " lets no others"));
  fs::remove_all(closed);
}

}  // namespace
}  // namespace so
