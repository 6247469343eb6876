#include "services/scaler/event_collector.h"

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/testing/inline_executor.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/scaler/testing/scaler_fixture.h"

namespace so {
namespace {

using testing::ElementsAre;

// Pools that answer at once, two events at a time.
class FakeEvents final : public PoolEventSource {
 public:
  struct Pool {
    std::string id;
    std::vector<std::string> details;
    bool away = false;
  };

  size_t pools() const override { return all.size(); }
  void Read(size_t pool, int64_t sequence, Done done) override {
    if (all[pool].away) return done(absl::UnavailableError("away"));
    Events events;
    events.set_pool_id(all[pool].id);
    const auto& details = all[pool].details;
    for (size_t i = sequence; i < details.size() && events.events_size() < 2;
         ++i) {
      auto& event = *events.add_events();
      event.set_sequence(static_cast<int64_t>(i) + 1);
      event.set_function_id("fn-1");
      event.set_action("retire");
      event.set_detail(details[i]);
    }
    done(std::move(events));
  }

  std::vector<Pool> all;
};

class EventCollectorTest : public testing::Test {
 protected:
  EventCollectorTest() {
    const std::string directory = absl::StrCat(
        testing::TempDir(), "collector-",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory);
    auto database = ArchiveDatabase::Open(directory, 1000);
    EXPECT_THAT(database, IsOk());
    database_ = database->get();
    archive_ = std::make_unique<Archive>(*std::move(database), executor_);
    on_.AddFunction("fn-1", "hello");
  }

  void Start() {
    collector_ = std::make_unique<EventCollector>(
        EventCollector::Options{.cursors = *database_->LoadCursors()},
        EventCollector::Dependencies{events_, on_.directory, *archive_, loop_,
                                     on_.clock});
    collector_->Start();
  }

  std::vector<std::string> Archived() {
    std::vector<std::string> details;
    const auto decisions = *database_->List({.function_id = "fn-1"});
    for (const auto& decision : decisions) {
      details.insert(details.begin(), decision.detail());
    }
    return details;
  }

  ScalerFixture on_;
  ControlLoop loop_{on_.options({}), on_.dependencies()};
  InlineExecutor executor_;
  FakeEvents events_;
  ArchiveDatabase* database_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<EventCollector> collector_;
};

TEST_F(EventCollectorTest, ArchivesEachEventOnceAndInOrder) {
  events_.all = {{.id = "p1", .details = {"a", "b", "c"}}};
  Start();
  on_.clock.Advance(absl::Seconds(2));
  EXPECT_THAT(Archived(), ElementsAre("a", "b", "c"));
  events_.all[0].details.push_back("d");
  on_.clock.Advance(absl::Seconds(10));
  EXPECT_THAT(Archived(), ElementsAre("a", "b", "c", "d"));
  const auto decision = database_->List({.function_id = "fn-1"})->front();
  EXPECT_EQ(decision.function_name(), "hello");
  EXPECT_EQ(decision.action(), "retire");
  EXPECT_EQ(decision.decided_by(), "p1");
}

TEST_F(EventCollectorTest, GoesOnAfterItsOwnRestart) {
  events_.all = {{.id = "p1", .details = {"a", "b", "c"}}};
  Start();
  on_.clock.Advance(absl::Seconds(2));
  collector_ = nullptr;
  events_.all[0].details.push_back("d");
  Start();
  on_.clock.Advance(absl::Seconds(4));
  EXPECT_THAT(Archived(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(EventCollectorTest, RestartedPoolBeginsAnew) {
  events_.all = {{.id = "p1", .details = {"a", "b", "c"}}};
  Start();
  on_.clock.Advance(absl::Seconds(2));
  events_.all[0] = {.id = "p2", .details = {"e"}};
  on_.clock.Advance(absl::Seconds(4));
  EXPECT_THAT(Archived(), ElementsAre("a", "b", "c", "e"));
}

TEST_F(EventCollectorTest, PoolThatIsAwayDoesNotHoldUpTheOthers) {
  events_.all = {{.id = "p1", .details = {"a"}, .away = true},
                 {.id = "p2", .details = {"b"}}};
  Start();
  on_.clock.Advance(absl::Seconds(2));
  EXPECT_THAT(Archived(), ElementsAre("b"));
  events_.all[0].away = false;
  on_.clock.Advance(absl::Seconds(2));
  EXPECT_THAT(Archived(), ElementsAre("b", "a"));
}

TEST_F(EventCollectorTest, StopEndsIt) {
  events_.all = {{.id = "p1"}};
  Start();
  on_.clock.Advance(absl::Seconds(2));
  collector_->Stop();
  EXPECT_EQ(on_.clock.pending(), 0u);
}

}  // namespace
}  // namespace so
