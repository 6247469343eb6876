#include "services/pool/cleanup_plan.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/capacity.h"
#include "services/pool/start_queue.h"

namespace so {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace pb = serverless::pool::v1;

constexpr InstanceState kWarm = pb::INSTANCE_STATE_WARM;
constexpr InstanceState kBusy = pb::INSTANCE_STATE_BUSY;
const CleanupLimits kLimits{.idle_timeout = absl::Seconds(60),
                            .max_age = absl::Seconds(300)};

InstanceView View(std::string id, InstanceState state, int age, int idle) {
  return {.id = std::move(id),
          .state = state,
          .age = absl::Seconds(age),
          .idle = absl::Seconds(idle)};
}

TEST(CleanupPlanTest, ExpiresTheIdleButNotTheBusyOrTheRecentlyUsed) {
  const CleanupPlan plan =
      PlanCleanup({View("a", kWarm, 100, 61), View("b", kWarm, 100, 60),
                   View("c", kBusy, 100, 0)},
                  kLimits);
  EXPECT_THAT(plan.expire, ElementsAre("a"));
  EXPECT_THAT(plan.replace, IsEmpty());
}

TEST(CleanupPlanTest, KeepsTheFloorAndExpiresTheLongestIdleFirst) {
  CleanupLimits limits = kLimits;
  limits.floor = 2;
  const CleanupPlan plan =
      PlanCleanup({View("a", kWarm, 100, 70), View("b", kWarm, 100, 90),
                   View("c", kWarm, 100, 80)},
                  limits);
  EXPECT_THAT(plan.expire, ElementsAre("b"));
}

TEST(CleanupPlanTest, ReplacesTheOldUnlessItExpiresAnyway) {
  const CleanupPlan plan =
      PlanCleanup({View("idle", kWarm, 301, 61), View("used", kWarm, 301, 5),
                   View("busy", kBusy, 301, 0), View("young", kWarm, 300, 5)},
                  kLimits);
  EXPECT_THAT(plan.expire, ElementsAre("idle"));
  EXPECT_THAT(plan.replace, ElementsAre("used", "busy"));
}

TEST(CleanupPlanTest, DoesNotReplaceTwice) {
  InstanceView leaving = View("a", kWarm, 400, 5);
  leaving.leaving = true;
  EXPECT_THAT(PlanCleanup({leaving}, kLimits).replace, IsEmpty());
}

TEST(CapacityTest, EvictsInOrderUntilTheNewOneFits) {
  const Capacity limit{.instances = 10, .memory = 512};
  const std::vector<Evictable> candidates = {{.id = "b", .memory = 128},
                                             {.id = "c", .memory = 128},
                                             {.id = "a", .memory = 128}};
  EXPECT_THAT(*ChooseEvictions({4, 512}, limit, 256, candidates),
              ElementsAre("b", "c"));
  EXPECT_THAT(*ChooseEvictions({3, 384}, limit, 128, candidates), IsEmpty());
  EXPECT_FALSE(ChooseEvictions({4, 512}, limit, 513, candidates).has_value());
}

TEST(CapacityTest, SparesWhatALargerOneHasMadeUnnecessary) {
  const Capacity limit{.instances = 10, .memory = 512};
  const std::vector<Evictable> candidates = {{.id = "small", .memory = 64},
                                             {.id = "tiny", .memory = 32},
                                             {.id = "large", .memory = 256}};
  EXPECT_THAT(*ChooseEvictions({3, 512}, limit, 256, candidates),
              ElementsAre("large"));
  EXPECT_THAT(*ChooseEvictions({3, 512}, limit, 280, candidates),
              ElementsAre("small", "large"));  // Less than the tiny one.
}

TEST(StartQueueTest, ServesDemandBeforeWarmingInOrder) {
  StartQueue queue;
  queue.Push("warm-1", false);
  queue.Push("demand-1", true);
  queue.Push("demand-2", true);
  EXPECT_EQ(queue.Pop(), "demand-1");
  EXPECT_EQ(queue.Pop(), "demand-2");
  EXPECT_EQ(queue.Pop(), "warm-1");
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(StartQueueTest, ServesOnlyDemandWhenToldTo) {
  StartQueue queue;
  queue.Push("warm-1", false);
  EXPECT_EQ(queue.Pop(/*on_demand_only=*/true), std::nullopt);
  queue.Push("demand-1", true);
  EXPECT_EQ(queue.Pop(/*on_demand_only=*/true), "demand-1");
  EXPECT_EQ(queue.Pop(), "warm-1");
}

TEST(StartQueueTest, APromotedOneIsOnDemand) {
  StartQueue queue;
  queue.Push("warm-1", false);
  queue.Push("warm-2", false);
  queue.Promote("warm-2");
  queue.Promote("warm-3");  // Not queued.
  EXPECT_EQ(queue.Pop(/*on_demand_only=*/true), "warm-2");
  EXPECT_EQ(queue.Pop(/*on_demand_only=*/true), std::nullopt);
  EXPECT_EQ(queue.size(), 1u);
}

}  // namespace
}  // namespace so
