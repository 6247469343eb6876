#include "services/registry/change_feed.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"
#include "services/registry/registry_errors.h"
#include "services/registry/testing/functions.h"

namespace so {
namespace {

using serverless::registry::v1::WatchResponse;
using testing::ElementsAre;

FunctionRecord Record(absl::string_view name, size_t padding = 0) {
  Function function = ValidFunction(name);
  function.set_id(absl::StrCat("fn-", name));
  function.set_description(std::string(padding, 'x'));
  return {.function = std::make_shared<const Function>(function),
          .last_version = 1};
}

class ChangeFeedTest : public testing::Test {
 protected:
  ChangeFeedTest() {
    index_.Apply({.revision = 100, .changed = {Record("old")}});
    feed_.emplace(index_, 0);
  }

  void Publish(ChangeSet changes) {
    changes.revision = index_.revision() + 1;
    index_.Apply(changes);
    feed_->Publish(changes);
  }
  std::shared_ptr<ChangeFeed::Watcher> Watch(int64_t from) {
    return feed_->Subscribe(from, [this] { ++wakes_; });
  }
  // All messages there are now.
  static std::vector<WatchResponse> Read(ChangeFeed::Watcher& watcher) {
    std::vector<WatchResponse> messages;
    while (true) {
      auto next = watcher.Next();
      EXPECT_THAT(next, IsOk());
      if (!next.ok() || !next->has_value()) return messages;
      messages.push_back(**std::move(next));
    }
  }
  static std::vector<std::string> Names(const WatchResponse& message) {
    std::vector<std::string> names;
    for (const Function& f : message.changed()) names.push_back(f.name());
    return names;
  }

  FunctionIndex index_;
  std::optional<ChangeFeed> feed_;
  int wakes_ = 0;
};

TEST_F(ChangeFeedTest, BeginsWithASnapshotAndGoesOnWithChanges) {
  const auto watcher = Watch(0);
  auto messages = Read(*watcher);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].snapshot_begin());
  EXPECT_TRUE(messages[0].snapshot_end());
  EXPECT_EQ(messages[0].revision(), 100);
  EXPECT_THAT(Names(messages[0]), ElementsAre("old"));

  Publish({.changed = {Record("new")}});
  Publish({.deleted_ids = {"fn-old"}});
  EXPECT_EQ(wakes_, 1);
  messages = Read(*watcher);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_FALSE(messages[0].snapshot_begin());
  EXPECT_EQ(messages[0].revision(), 101);
  EXPECT_THAT(Names(messages[0]), ElementsAre("new"));
  EXPECT_THAT(messages[1].deleted_ids(), ElementsAre("fn-old"));
  Publish({.changed = {Record("newer")}});
  EXPECT_EQ(wakes_, 2);
}

TEST_F(ChangeFeedTest, EmptySnapshotIsOneMessage) {
  Publish({.deleted_ids = {"fn-old"}});
  const auto messages = Read(*Watch(0));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].snapshot_begin());
  EXPECT_TRUE(messages[0].snapshot_end());
}

TEST_F(ChangeFeedTest, ResumesWithoutASnapshot) {
  Publish({.changed = {Record("a")}});
  Publish({.changed = {Record("b")}});
  const auto messages = Read(*Watch(101));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_FALSE(messages[0].snapshot_begin());
  EXPECT_THAT(Names(messages[0]), ElementsAre("b"));
  EXPECT_TRUE(Read(*Watch(102)).empty());
  EXPECT_EQ(Read(*Watch(100)).size(), 2u);
}

TEST_F(ChangeFeedTest, RevisionsItCannotKnowGetASnapshot) {
  // Of an earlier life, and of a registry restored from an older backup.
  for (const int64_t from : {1, 99, 101, 5000}) {
    const auto messages = Read(*Watch(from));
    ASSERT_EQ(messages.size(), 1u) << from;
    EXPECT_TRUE(messages[0].snapshot_begin()) << from;
  }
}

TEST_F(ChangeFeedTest, ChangeDuringASnapshotIsToldOnce) {
  const auto watcher = Watch(0);
  Publish({.changed = {Record("new")}});
  const auto messages = Read(*watcher);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_THAT(Names(messages[0]), ElementsAre("old"));
  EXPECT_THAT(Names(messages[1]), ElementsAre("new"));
}

TEST_F(ChangeFeedTest, CutsLargeSnapshots) {
  ChangeSet many;
  for (int i = 0; i < 1200; ++i) {
    many.changed.push_back(Record(absl::StrCat("f", i)));
  }
  Publish(many);
  const auto messages = Read(*Watch(0));
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_TRUE(messages[0].snapshot_begin());
  EXPECT_FALSE(messages[0].snapshot_end());
  EXPECT_FALSE(messages[1].snapshot_begin());
  EXPECT_TRUE(messages[2].snapshot_end());
  EXPECT_EQ(messages[0].changed_size(), 500);
  EXPECT_EQ(messages[2].changed_size(), 201);
}

TEST_F(ChangeFeedTest, CutsLargeChangesAndResumesBeforeThem) {
  const auto watcher = Watch(100);
  ChangeSet large{.deleted_ids = {"fn-old"}};
  for (int i = 0; i < 5; ++i) {
    large.changed.push_back(Record(absl::StrCat("f", i), 400 << 10));
  }
  Publish(large);
  const auto messages = Read(*watcher);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].deleted_ids_size(), 1);
  EXPECT_EQ(messages[0].revision(), 100);
  EXPECT_EQ(messages[1].deleted_ids_size(), 0);
  EXPECT_EQ(messages[1].revision(), 100);
  EXPECT_EQ(messages[2].revision(), 101);
}

TEST_F(ChangeFeedTest, EndsAWatcherThatLagsTooFar) {
  const auto watcher = Watch(100);
  for (size_t i = 0; i < ChangeFeed::kMinHistory; ++i) {
    Publish({.changed = {Record("a")}});
  }
  EXPECT_EQ(watcher->Next().status(), absl::OkStatus());
  Publish({.changed = {Record("a")}});
  Publish({.changed = {Record("a")}});
  EXPECT_THAT(watcher->Next(), HasCode(absl::StatusCode::kAborted));
}

TEST_F(ChangeFeedTest, ForgetsSoonerWhenCommitsAreLarge) {
  ChangeSet many;
  for (int i = 0; i < 1000; ++i) {
    many.changed.push_back(Record(absl::StrCat("f", i)));
  }
  Publish(many);
  Publish(many);
  EXPECT_TRUE(Read(*Watch(100))[0].snapshot_begin());
  EXPECT_FALSE(Read(*Watch(101))[0].snapshot_begin());
}

TEST_F(ChangeFeedTest, CloseWakesAndEndsEveryWatcher) {
  const auto watcher = Watch(100);
  EXPECT_TRUE(Read(*watcher).empty());
  feed_->Close(ShuttingDownError());
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(watcher->Next(), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Watch(100)->Next(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ChangeFeedTest, WatcherThatIsGoneIsNotWoken) {
  Read(*Watch(100));
  Publish({.changed = {Record("a")}});
  EXPECT_EQ(wakes_, 0);
}

}  // namespace
}  // namespace so
