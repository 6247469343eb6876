#include "services/registry/client/function_cache.h"

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

using serverless::function::v1::Function;
using serverless::registry::v1::WatchResponse;
using testing::ElementsAre;
using testing::IsEmpty;

Function Named(absl::string_view name, absl::string_view etag = "e1",
               int version = 1) {
  Function function;
  function.set_id(absl::StrCat("fn-", name));
  function.set_name(std::string(name));
  function.set_etag(std::string(etag));
  function.set_version(version);
  return function;
}

WatchResponse Message(int64_t revision, std::vector<Function> changed,
                      std::vector<std::string> deleted = {}) {
  WatchResponse message;
  message.set_revision(revision);
  for (Function& f : changed) *message.add_changed() = f;
  for (std::string& id : deleted) message.add_deleted_ids(id);
  return message;
}

WatchResponse Snapshot(int64_t revision, std::vector<Function> functions) {
  WatchResponse message = Message(revision, std::move(functions));
  message.set_snapshot_begin(true);
  message.set_snapshot_end(true);
  return message;
}

class RecordingListener final : public FunctionDirectory::Listener {
 public:
  void OnFunctionChanged(const FunctionPtr& function) override {
    heard.push_back(absl::StrCat("+", function->id(), "@", function->etag()));
  }
  void OnFunctionDeleted(const std::string& id) override {
    heard.push_back(absl::StrCat("-", id));
  }
  void OnSynced() override { ++synced; }
  std::vector<std::string> TakeHeard() { return std::exchange(heard, {}); }
  std::vector<std::string> heard;
  int synced = 0;
};

class FunctionCacheTest : public testing::Test {
 protected:
  FunctionCacheTest() { cache_.Subscribe(listener_); }

  FunctionPtr Lookup(absl::string_view reference) {
    return cache_.Lookup(*ParseFunctionReference(reference));
  }

  FunctionCache cache_;
  RecordingListener listener_;
};

TEST_F(FunctionCacheTest, KnowsNothingAtFirst) {
  EXPECT_FALSE(cache_.synced());
  EXPECT_EQ(cache_.resume_revision(), 0);
  EXPECT_EQ(Lookup("a"), nullptr);
  EXPECT_EQ(cache_.Find("fn-a"), nullptr);
  EXPECT_THAT(cache_.List(), IsEmpty());
}

TEST_F(FunctionCacheTest, FindsByIdNameAndCurrentVersion) {
  cache_.Apply(Snapshot(7, {Named("a", "e1", 3)}));
  EXPECT_TRUE(cache_.synced());
  EXPECT_EQ(cache_.resume_revision(), 7);
  ASSERT_NE(Lookup("a"), nullptr);
  EXPECT_EQ(Lookup("a"), Lookup("fn-a"));
  EXPECT_EQ(Lookup("a"), Lookup("a:3"));
  EXPECT_EQ(Lookup("a"), cache_.Find("fn-a"));
  EXPECT_EQ(Lookup("a:2"), nullptr);
  EXPECT_EQ(cache_.List().size(), 1u);
}

TEST_F(FunctionCacheTest, ListenersHearChangesInOrder) {
  cache_.Apply(Snapshot(1, {Named("a")}));
  cache_.Apply(Message(2, {Named("a", "e2")}));
  cache_.Apply(Message(3, {}, {"fn-a"}));
  EXPECT_THAT(listener_.TakeHeard(),
              ElementsAre("+fn-a@e1", "+fn-a@e2", "-fn-a"));
  EXPECT_EQ(cache_.resume_revision(), 3);
}

TEST_F(FunctionCacheTest, LateListenerHearsWhatIsKnown) {
  cache_.Apply(Snapshot(1, {Named("a")}));
  RecordingListener late;
  cache_.Subscribe(late);
  EXPECT_THAT(late.TakeHeard(), ElementsAre("+fn-a@e1"));
  EXPECT_EQ(late.synced, 1);
}

TEST_F(FunctionCacheTest, SnapshotTellsOnlyDifferencesAndRemovesTheRest) {
  cache_.Apply(Snapshot(5, {Named("a"), Named("b"), Named("c")}));
  listener_.TakeHeard();
  // Of a registry restored from a backup: the revision may be lower.
  cache_.Apply(Snapshot(2, {Named("a"), Named("b", "e2")}));
  EXPECT_THAT(listener_.TakeHeard(), ElementsAre("-fn-c", "+fn-b@e2"));
  EXPECT_EQ(Lookup("c"), nullptr);
  EXPECT_EQ(cache_.resume_revision(), 2);
}

TEST_F(FunctionCacheTest, BrokenSnapshotRemovesNothingAndIsNotResumed) {
  cache_.Apply(Snapshot(5, {Named("a"), Named("b")}));
  WatchResponse half = Message(6, {Named("b", "e2")});
  half.set_snapshot_begin(true);
  cache_.Apply(half);
  EXPECT_EQ(cache_.resume_revision(), 0);
  EXPECT_NE(Lookup("a"), nullptr);
  EXPECT_TRUE(cache_.synced());
  cache_.Apply(Snapshot(7, {Named("a")}));
  EXPECT_EQ(Lookup("b"), nullptr);
  EXPECT_EQ(cache_.resume_revision(), 7);
}

TEST_F(FunctionCacheTest, SnapshotMayComeInPieces) {
  WatchResponse begin = Message(6, {Named("a")});
  begin.set_snapshot_begin(true);
  cache_.Apply(begin);
  EXPECT_FALSE(cache_.synced());
  EXPECT_NE(Lookup("a"), nullptr);
  cache_.Apply(Message(6, {Named("b")}));
  EXPECT_EQ(listener_.synced, 0);
  WatchResponse end = Message(6, {});
  end.set_snapshot_end(true);
  cache_.Apply(end);
  EXPECT_TRUE(cache_.synced());
  EXPECT_EQ(listener_.synced, 1);
  EXPECT_EQ(cache_.List().size(), 2u);
}

TEST_F(FunctionCacheTest, NameMayPassToAnotherFunction) {
  cache_.Apply(Snapshot(1, {Named("a")}));
  Function heir = Named("a");
  heir.set_id("fn-heir");
  cache_.Apply(Message(2, {heir}, {"fn-a"}));
  EXPECT_EQ(Lookup("a")->id(), "fn-heir");
  EXPECT_EQ(Lookup("fn-a"), nullptr);
  // Also when a snapshot mentions the heir before the old one is dropped.
  Function next = Named("a");
  next.set_id("fn-next");
  cache_.Apply(Snapshot(3, {next}));
  EXPECT_EQ(Lookup("a")->id(), "fn-next");
}

TEST_F(FunctionCacheTest, KeepsOtherVersionsUntilTheFunctionChanges) {
  cache_.Apply(Snapshot(1, {Named("a", "e1", 3)}));
  const FunctionPtr current = Lookup("a");
  const auto other = std::make_shared<const Function>(Named("a", "e1", 2));
  cache_.KeepVersion(other, current);
  EXPECT_EQ(Lookup("a:2"), other);
  cache_.Apply(Message(2, {Named("a", "e2", 3)}));
  EXPECT_EQ(Lookup("a:2"), nullptr);
  // An answer that was asked for before the change comes too late.
  cache_.KeepVersion(other, current);
  EXPECT_EQ(Lookup("a:2"), nullptr);
}

TEST_F(FunctionCacheTest, DeletionDropsOtherVersions) {
  cache_.Apply(Snapshot(1, {Named("a", "e1", 3)}));
  const FunctionPtr current = Lookup("a");
  const auto other = std::make_shared<const Function>(Named("a", "e1", 2));
  cache_.KeepVersion(other, current);
  cache_.Apply(Message(2, {}, {"fn-a"}));
  EXPECT_EQ(Lookup("a:2"), nullptr);
  cache_.KeepVersion(other, current);
  EXPECT_EQ(Lookup("a:2"), nullptr);
}

TEST_F(FunctionCacheTest, OtherVersionsAreBounded) {
  cache_.Apply(Snapshot(1, {Named("a", "e1", 5000)}));
  const FunctionPtr current = Lookup("a");
  for (int v = 1; v <= 1001; ++v) {
    cache_.KeepVersion(std::make_shared<const Function>(Named("a", "e1", v)),
                       current);
    Lookup("a:1");  // Used all the time, so never the one to go.
  }
  EXPECT_NE(Lookup("a:1"), nullptr);
  EXPECT_EQ(Lookup("a:2"), nullptr);
  EXPECT_NE(Lookup("a:3"), nullptr);
}

TEST(FunctionReferenceTest, ReadsNamesIdsAndVersions) {
  EXPECT_EQ(ParseFunctionReference("hello")->function, "hello");
  EXPECT_EQ(ParseFunctionReference("hello")->version, std::nullopt);
  EXPECT_EQ(ParseFunctionReference("fn-1-abc:12")->version, 12);
  for (const char* bad : {"", ":1", "a:", "a:0", "a:01", "a:-1", "a:x", "a:1:2",
                          "a:99999999999", "A", "a b", "-a", "a/b"}) {
    EXPECT_THAT(ParseFunctionReference(bad), HasErrorCode("INVALID_ARGUMENT"))
        << bad;
  }
}

}  // namespace
}  // namespace so
