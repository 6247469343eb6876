#include "services/registry/function_registry.h"

#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "services/registry/client/sha256.h"
#include "services/registry/sqlite_function_store.h"
#include "services/registry/testing/await.h"
#include "services/registry/testing/failing_function_store.h"
#include "services/registry/testing/functions.h"
#include "services/registry/testing/temp_dir.h"

namespace so {
namespace {

using serverless::registry::v1::DeleteFunctionRequest;
using serverless::registry::v1::ListFunctionsRequest;
using serverless::registry::v1::ListFunctionsResponse;
using serverless::registry::v1::ListVersionsRequest;
using serverless::registry::v1::ListVersionsResponse;
using serverless::registry::v1::ReplaceFunctionRequest;
using serverless::registry::v1::RollbackFunctionRequest;
using serverless::registry::v1::UpdateFunctionRequest;
using testing::ElementsAre;
using testing::MatchesRegex;

using FunctionOr = absl::StatusOr<Function>;

std::vector<std::string> WrongFields(const absl::Status& status) {
  std::vector<std::string> fields;
  const Error error = ErrorFromStatus(status);
  for (const FieldProblem& detail : error.details()) {
    fields.push_back(detail.field());
  }
  return fields;
}

class FunctionRegistryTest : public testing::Test {
 protected:
  FunctionRegistryTest() { Open(); }

  void Open() {
    registry_ = nullptr;
    failing_ = nullptr;
    store_ = nullptr;
    auto store = SqliteFunctionStore::Create(dir_.path());
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    failing_ = std::make_unique<FailingFunctionStore>(*store_);
    failing_->FailPutsOf("bad");
    auto registry = FunctionRegistry::Create({}, *failing_, clock_);
    ASSERT_THAT(registry, IsOk());
    registry_ = *std::move(registry);
  }

  FunctionOr Create(const Function& function) {
    return Await<FunctionOr>(
        [&](auto done) { registry_->Create(function, std::move(done)); });
  }
  FunctionOr Get(absl::string_view reference, absl::string_view view = "") {
    return Await<FunctionOr>([&](auto done) {
      registry_->catalog().Get(reference, view, std::move(done));
    });
  }
  FunctionOr Resolve(absl::string_view reference) {
    return Await<FunctionOr>([&](auto done) {
      registry_->catalog().Resolve(reference, std::move(done));
    });
  }
  FunctionOr Replace(absl::string_view id, const Function& function,
                     absl::string_view etag = "") {
    ReplaceFunctionRequest request;
    request.set_id(std::string(id));
    *request.mutable_function() = function;
    request.set_etag(std::string(etag));
    return Await<FunctionOr>(
        [&](auto done) { registry_->Replace(request, std::move(done)); });
  }
  FunctionOr Update(absl::string_view id, const Function& function,
                    const std::vector<std::string>& mask,
                    absl::string_view etag = "") {
    UpdateFunctionRequest request;
    request.set_id(std::string(id));
    *request.mutable_function() = function;
    for (const auto& path : mask)
      request.mutable_update_mask()->add_paths(path);
    request.set_etag(std::string(etag));
    return Await<FunctionOr>(
        [&](auto done) { registry_->Update(request, std::move(done)); });
  }
  FunctionOr Rollback(absl::string_view id, int version,
                      absl::string_view etag = "") {
    RollbackFunctionRequest request;
    request.set_id(std::string(id));
    request.set_version(version);
    request.set_etag(std::string(etag));
    return Await<FunctionOr>(
        [&](auto done) { registry_->Rollback(request, std::move(done)); });
  }
  absl::Status Delete(absl::string_view id, absl::string_view etag = "") {
    DeleteFunctionRequest request;
    request.set_id(std::string(id));
    request.set_etag(std::string(etag));
    return Await<absl::Status>(
        [&](auto done) { registry_->Delete(request, std::move(done)); });
  }
  absl::StatusOr<ListFunctionsResponse> List(absl::string_view filter = "",
                                             int page_size = 0,
                                             absl::string_view token = "") {
    ListFunctionsRequest request;
    request.set_filter(std::string(filter));
    request.set_page_size(page_size);
    request.set_page_token(std::string(token));
    return registry_->catalog().List(request);
  }
  absl::StatusOr<ListVersionsResponse> Versions(absl::string_view id,
                                                int page_size = 0,
                                                absl::string_view token = "") {
    ListVersionsRequest request;
    request.set_id(std::string(id));
    request.set_page_size(page_size);
    request.set_page_token(std::string(token));
    return Await<absl::StatusOr<ListVersionsResponse>>([&](auto done) {
      registry_->catalog().ListVersions(request, std::move(done));
    });
  }

  TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<FunctionStore> store_;
  std::unique_ptr<FailingFunctionStore> failing_;
  std::unique_ptr<FunctionRegistry> registry_;
};

TEST_F(FunctionRegistryTest, CreateFillsInDefaultsAndOutputs) {
  const FunctionOr created = Create(ValidFunction("hello"));
  SO_ASSERT_OK(created);
  EXPECT_THAT(created->id(), MatchesRegex("fn-[0-9]{13}-[0-9a-z]{6}"));
  EXPECT_EQ(created->version(), 1);
  EXPECT_EQ(created->timeout(), 30000);
  EXPECT_EQ(created->memory(), 128);
  EXPECT_EQ(created->max_instances(), 20);
  EXPECT_EQ(created->concurrency(), 1);
  EXPECT_EQ(created->reuse(), "warm");
  EXPECT_EQ(created->network(), "none");
  EXPECT_EQ(created->state(), "active");
  EXPECT_FALSE(created->has_idle_timeout());
  EXPECT_FALSE(created->etag().empty());
  EXPECT_EQ(created->code(), "");
  EXPECT_EQ(created->code_sha256(), Sha256Hex(ValidFunction("x").code()));
  EXPECT_EQ(created->created_at().seconds(),
            absl::ToUnixSeconds(clock_.WallNow()));
}

TEST_F(FunctionRegistryTest, GetsByIdNameAndVersion) {
  const FunctionOr created = Create(ValidFunction("hello"));
  for (const std::string& reference :
       {std::string("hello"), created->id(), std::string("hello:1"),
        absl::StrCat(created->id(), ":1")}) {
    const FunctionOr got = Get(reference);
    SO_ASSERT_OK(got);
    EXPECT_EQ(got->SerializeAsString(), created->SerializeAsString());
  }
  EXPECT_EQ(Get("hello", "full")->code(), ValidFunction("x").code());
  EXPECT_EQ(Get("other").status().message(), "no function other");
  EXPECT_THAT(Get("other"), HasErrorCode("NOT_FOUND"));
  EXPECT_EQ(Get("hello:9").status().message(), "hello has no version 9");
  EXPECT_THAT(Get("hello:prod"), HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_THAT(Get("hello", "huge"), HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_THAT(Get(""), HasErrorCode("INVALID_ARGUMENT"));
}

TEST_F(FunctionRegistryTest, CreateRefusesWithEveryWrongField) {
  Function function = ValidFunction("Hello");
  function.set_memory(1);
  (*function.mutable_environment())["NEW"] = kMaskedValue;
  const FunctionOr created = Create(function);
  EXPECT_THAT(created, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      WrongFields(created.status()),
      testing::UnorderedElementsAre("name", "memory", "environment.NEW"));
}

TEST_F(FunctionRegistryTest, AnswerCanBeSentBack) {
  Function function = ValidFunction("hello");
  (*function.mutable_environment())["KEY"] = "secret";
  AddRoute("GET", "/hello", function);
  SO_ASSERT_OK(Create(function));
  const FunctionOr got = Get("hello", "full");
  EXPECT_EQ(got->environment().at("KEY"), "***");
  const FunctionOr replaced = Replace("hello", *got, got->etag());
  SO_ASSERT_OK(replaced);
  EXPECT_EQ(replaced->version(), 2);
  EXPECT_EQ(replaced->id(), got->id());
  EXPECT_NE(replaced->etag(), got->etag());
  EXPECT_EQ(Resolve("hello")->environment().at("KEY"), "secret");
  EXPECT_EQ(replaced->environment().at("KEY"), "***");
}

TEST_F(FunctionRegistryTest, ReplaceTakesDefaultsForWhatIsLeftOut) {
  Function function = ValidFunction("hello");
  function.set_memory(512);
  function.set_description("text");
  SO_ASSERT_OK(Create(function));
  clock_.Advance(absl::Seconds(5));
  Function next = ValidFunction("");
  next.set_code("exports.handler = async () => 2");
  const FunctionOr replaced = Replace("hello", next);
  SO_ASSERT_OK(replaced);
  EXPECT_EQ(replaced->memory(), 128);
  EXPECT_EQ(replaced->description(), "");
  EXPECT_EQ(replaced->version(), 2);
  EXPECT_EQ(replaced->updated_at().seconds() - replaced->created_at().seconds(),
            5);
  EXPECT_EQ(Get("hello:1", "full")->code(), ValidFunction("x").code());
  EXPECT_EQ(Get("hello", "full")->code(), next.code());
}

TEST_F(FunctionRegistryTest, ReplaceNeedsCode) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  Function next = ValidFunction("hello");
  next.clear_code();
  EXPECT_THAT(WrongFields(Replace("hello", next).status()),
              ElementsAre("code"));
}

TEST_F(FunctionRegistryTest, NameCannotBeChanged) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  EXPECT_THAT(WrongFields(Replace("hello", ValidFunction("other")).status()),
              ElementsAre("name"));
  EXPECT_THAT(
      WrongFields(Update("hello", ValidFunction("other"), {"name"}).status()),
      ElementsAre("name"));
  SO_EXPECT_OK(Update("hello", ValidFunction("hello"), {"name"}));
}

TEST_F(FunctionRegistryTest, UpdateChangesOnlyWhatTheMaskNames) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  Function patch;
  patch.set_memory(256);
  patch.set_timeout(5);
  const FunctionOr updated = Update("hello", patch, {"memory"});
  SO_ASSERT_OK(updated);
  EXPECT_EQ(updated->memory(), 256);
  EXPECT_EQ(updated->timeout(), 30000);
  EXPECT_EQ(updated->version(), 1);
  EXPECT_EQ(updated->handler(), "index.handler");
  // Named and left out: back to the default.
  EXPECT_EQ(Update("hello", Function(), {"memory"})->memory(), 128);
}

TEST_F(FunctionRegistryTest, UpdateMakesAVersionOnlyWhenWhatRunsChanges) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  Function patch = ValidFunction("");
  EXPECT_EQ(Update("hello", patch, {"code", "runtime", "handler"})->version(),
            1);
  (*patch.mutable_environment())["A"] = "1";
  EXPECT_EQ(Update("hello", patch, {"environment.A"})->version(), 2);
  (*patch.mutable_environment())["A"] = kMaskedValue;
  EXPECT_EQ(Update("hello", patch, {"environment"})->version(), 2);
  patch.set_code("exports.handler = async () => 2");
  EXPECT_EQ(Update("hello", patch, {"code"})->version(), 3);
  patch.set_handler("index.other");
  EXPECT_EQ(Update("hello", patch, {"handler"})->version(), 4);
}

TEST_F(FunctionRegistryTest, UpdateChecksTheMaskAndTheResult) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  EXPECT_THAT(WrongFields(Update("hello", Function(), {}).status()),
              ElementsAre("updateMask"));
  EXPECT_THAT(WrongFields(Update("hello", Function(), {"colour"}).status()),
              ElementsAre("updateMask"));
  EXPECT_THAT(WrongFields(Update("hello", Function(), {"code"}).status()),
              ElementsAre("code"));
  Function patch;
  patch.set_min_instances(30);
  EXPECT_THAT(WrongFields(Update("hello", patch, {"minInstances"}).status()),
              ElementsAre("minInstances"));
  // Output fields are ignored.
  patch.set_version(77);
  EXPECT_EQ(Update("hello", patch, {"version", "id"})->version(), 1);
  EXPECT_THAT(Update("other", Function(), {"memory"}),
              HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(WrongFields(Update("hello:1", Function(), {"memory"}).status()),
              ElementsAre("id"));
}

TEST_F(FunctionRegistryTest, EtagGuardsEveryChange) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  Function patch;
  EXPECT_THAT(Update("hello", patch, {"memory"}, "stale"),
              HasErrorCode("ETAG_MISMATCH"));
  EXPECT_THAT(Replace("hello", ValidFunction("hello"), "stale"),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(Rollback("hello", 1, "stale"), HasErrorCode("ETAG_MISMATCH"));
  EXPECT_THAT(Delete("hello", "stale"), HasErrorCode("ETAG_MISMATCH"));
  SO_EXPECT_OK(Update("hello", patch, {"memory"}, "*"));
  SO_EXPECT_OK(Delete("hello", Get("hello")->etag()));
}

TEST_F(FunctionRegistryTest, OfManyWritersWithOneEtagOneWins) {
  const std::string etag = Create(ValidFunction("hello"))->etag();
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      const FunctionOr updated = Update("hello", Function(), {"memory"}, etag);
      ++(updated.ok() ? won : lost);
      EXPECT_TRUE(updated.ok() ||
                  ErrorFromStatus(updated.status()).code() == "ETAG_MISMATCH");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 19);
}

TEST_F(FunctionRegistryTest, RollbackBringsBackCodeAndEnvironment) {
  Function function = ValidFunction("hello");
  (*function.mutable_environment())["KEY"] = "one";
  SO_ASSERT_OK(Create(function));
  function.set_code("exports.handler = async () => 2");
  (*function.mutable_environment())["KEY"] = "two";
  function.set_memory(512);
  SO_ASSERT_OK(Replace("hello", function));
  SO_ASSERT_OK(Replace("hello", function));
  const FunctionOr back = Rollback("hello", 1);
  SO_ASSERT_OK(back);
  EXPECT_EQ(back->version(), 1);
  EXPECT_EQ(back->memory(), 512);
  EXPECT_EQ(Get("hello", "full")->code(), ValidFunction("x").code());
  EXPECT_EQ(Resolve("hello")->environment().at("KEY"), "one");
  // Numbers are never reused.
  EXPECT_EQ(Replace("hello", function)->version(), 4);
  EXPECT_EQ(Rollback("hello", 9).status().message(), "hello has no version 9");
  EXPECT_THAT(WrongFields(Rollback("hello", 0).status()),
              ElementsAre("version"));
}

TEST_F(FunctionRegistryTest, ListsVersionsNewestFirst) {
  Function function = ValidFunction("hello");
  (*function.mutable_environment())["KEY"] = "secret";
  SO_ASSERT_OK(Create(function));
  for (int i = 0; i < 4; ++i) SO_ASSERT_OK(Replace("hello", function));
  SO_ASSERT_OK(Rollback("hello", 2));
  auto page = Versions("hello", 3);
  SO_ASSERT_OK(page);
  ASSERT_EQ(page->versions_size(), 3);
  EXPECT_EQ(page->versions(0).version(), 5);
  EXPECT_FALSE(page->versions(0).current());
  EXPECT_EQ(page->versions(0).environment().at("KEY"), "***");
  page = Versions("hello", 3, page->next_page_token());
  ASSERT_EQ(page->versions_size(), 2);
  EXPECT_EQ(page->versions(0).version(), 2);
  EXPECT_TRUE(page->versions(0).current());
  EXPECT_EQ(page->next_page_token(), "");
  EXPECT_THAT(WrongFields(Versions("hello", 1001).status()),
              ElementsAre("pageSize"));
  EXPECT_THAT(WrongFields(Versions("hello", 3, "junk").status()),
              ElementsAre("pageToken"));
}

TEST_F(FunctionRegistryTest, DeleteFreesTheNameAndTheRoute) {
  Function function = ValidFunction("hello");
  AddRoute("GET", "/hello", function);
  const std::string id = Create(function)->id();
  SO_ASSERT_OK(Delete("hello"));
  EXPECT_THAT(Get("hello"), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(Get(id), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(Delete("hello"), HasErrorCode("NOT_FOUND"));
  const FunctionOr again = Create(function);
  SO_ASSERT_OK(again);
  EXPECT_NE(again->id(), id);
  EXPECT_EQ(again->version(), 1);
}

TEST_F(FunctionRegistryTest, RoutesBelongToOneFunction) {
  Function first = ValidFunction("first");
  AddRoute("GET", "/users/{id}", first);
  SO_ASSERT_OK(Create(first));
  Function second = ValidFunction("second");
  AddRoute("GET", "/users/{user}", second);
  const FunctionOr refused = Create(second);
  EXPECT_THAT(refused, HasErrorCode("TRIGGER_CONFLICT"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(WrongFields(refused.status()),
              ElementsAre("triggers[0].config.path"));
  // A function may keep its own, and give it away.
  SO_EXPECT_OK(Replace("first", first));
  SO_EXPECT_OK(Update("first", Function(), {"triggers"}));
  SO_EXPECT_OK(Create(second));
}

TEST_F(FunctionRegistryTest, ListsInPagesByName) {
  for (const char* name : {"b", "a1", "a2", "c", "a"}) {
    Function function = ValidFunction(name);
    (*function.mutable_labels())["team"] = name[0] == 'a' ? "core" : "web";
    (*function.mutable_environment())["KEY"] = "secret";
    SO_ASSERT_OK(Create(function));
  }
  std::vector<std::string> names;
  std::string token;
  do {
    const auto page = List("", 2, token);
    SO_ASSERT_OK(page);
    EXPECT_LE(page->functions_size(), 2);
    for (const Function& f : page->functions()) {
      names.push_back(f.name());
      EXPECT_EQ(f.environment().at("KEY"), "***");
    }
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(names, ElementsAre("a", "a1", "a2", "b", "c"));

  EXPECT_EQ(List("name=a*")->functions_size(), 3);
  EXPECT_EQ(List("name=a")->functions_size(), 1);
  EXPECT_EQ(List("name=*")->functions_size(), 5);
  EXPECT_EQ(List("runtime=python")->functions_size(), 0);
  EXPECT_EQ(List("labels.team=core AND name=a1*")->functions_size(), 1);
  const auto first = List("labels.team=core", 2);
  EXPECT_EQ(
      List("labels.team=core", 2, first->next_page_token())->functions_size(),
      1);
}

TEST_F(FunctionRegistryTest, ListRefusesWhatItCannotRead) {
  for (const char* filter : {"x", "name", "name=A", "colour=red", "runtime=",
                             "name=a AND ", "labels.=x", "name=a AND name=b"}) {
    EXPECT_THAT(WrongFields(List(filter).status()), ElementsAre("filter"))
        << filter;
  }
  EXPECT_THAT(WrongFields(List("", -1).status()), ElementsAre("pageSize"));
  EXPECT_THAT(WrongFields(List("", 0, "junk").status()),
              ElementsAre("pageToken"));
  SO_ASSERT_OK(Create(ValidFunction("a")));
  SO_ASSERT_OK(Create(ValidFunction("b")));
  const std::string token = List("", 1)->next_page_token();
  EXPECT_THAT(WrongFields(List("name=a*", 1, token).status()),
              ElementsAre("pageToken"));
}

TEST_F(FunctionRegistryTest, OfManyCreatesOfOneNameOneWins) {
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  std::promise<void> all;
  for (int i = 0; i < 200; ++i) {
    registry_->Create(ValidFunction("hello"), [&](const FunctionOr& created) {
      if (created.ok()) {
        ++won;
      } else {
        EXPECT_THAT(created, HasErrorCode("ALREADY_EXISTS"));
        EXPECT_THAT(created, HasCode(absl::StatusCode::kAlreadyExists));
        ++lost;
      }
      if (won + lost == 200) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 199);
  EXPECT_EQ(List()->functions_size(), 1);
}

TEST_F(FunctionRegistryTest, WhatIsAcknowledgedIsThereAfterReopening) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        Function function = ValidFunction(absl::StrCat("f-", t, "-", i));
        function.set_code(absl::StrCat("// ", t, " ", i));
        SO_EXPECT_OK(Create(function));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int64_t revision = registry_->revision();
  Open();
  EXPECT_GT(registry_->revision(), revision);
  EXPECT_EQ(registry_->size(), 200u);
  EXPECT_EQ(Get("f-7-24", "full")->code(), "// 7 24");
}

TEST_F(FunctionRegistryTest, VersionNumbersSurviveReopening) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  SO_ASSERT_OK(Replace("hello", ValidFunction("hello")));
  SO_ASSERT_OK(Rollback("hello", 1));
  const std::string etag = Get("hello")->etag();
  Open();
  EXPECT_EQ(Get("hello")->etag(), etag);
  EXPECT_EQ(Replace("hello", ValidFunction("hello"), etag)->version(), 3);
}

TEST_F(FunctionRegistryTest, FullDiskRefusesWritesAndServesReads) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  const std::string etag = Get("hello")->etag();
  failing_->FailCommits(true);
  const FunctionOr refused = Create(ValidFunction("other"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasErrorCode("STORAGE_FULL"));
  EXPECT_THAT(Update("hello", Function(), {"memory"}),
              HasErrorCode("STORAGE_FULL"));
  EXPECT_EQ(Get("hello", "full")->etag(), etag);
  EXPECT_EQ(List()->functions_size(), 1);
  failing_->FailCommits(false);
  SO_EXPECT_OK(Create(ValidFunction("other")));
}

TEST_F(FunctionRegistryTest, FailedWriteDoesNotFailItsGroup) {
  std::atomic<int> answers = 0;
  std::atomic<int> failures = 0;
  std::promise<void> all;
  for (int i = 0; i < 50; ++i) {
    const std::string name = i == 25 ? "bad" : absl::StrCat("good-", i);
    registry_->Create(ValidFunction(name), [&](const FunctionOr& created) {
      if (!created.ok()) ++failures;
      if (++answers == 50) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(registry_->size(), 49u);
  Open();
  EXPECT_EQ(registry_->size(), 49u);
}

TEST_F(FunctionRegistryTest, WatchersAreToldBeforeTheCaller) {
  std::atomic<int> told = 0;
  auto watcher = registry_->feed().Subscribe(0, [&] { ++told; });
  while ((*watcher->Next()).has_value()) {
  }
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  EXPECT_EQ(told, 1);
  const auto message = watcher->Next();
  EXPECT_EQ((*message)->changed(0).name(), "hello");
  EXPECT_EQ((*message)->revision(), registry_->revision());
}

TEST_F(FunctionRegistryTest, DrainRefusesWritesAndEndsTheFeed) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  auto watcher = registry_->feed().Subscribe(0, [] {});
  registry_->Drain();
  EXPECT_THAT(Create(ValidFunction("other")),
              HasCode(absl::StatusCode::kUnavailable));
  SO_EXPECT_OK(Get("hello"));
}

TEST(FunctionRegistryOverloadTest, FullQueueIsUnavailable) {
  TempDir dir;
  ManualClock clock;
  auto store = SqliteFunctionStore::Create(dir.path());
  auto registry =
      FunctionRegistry::Create({.write_queue_depth = 1}, **store, clock);
  std::promise<void> inside;
  std::promise<void> release;
  // Holds up the writer thread in an answer.
  serverless::registry::v1::DeleteFunctionRequest request;
  request.set_id("hello");
  (*registry)->Delete(request, [&](const absl::Status&) {
    inside.set_value();
    release.get_future().wait();
  });
  inside.get_future().wait();
  std::promise<void> second;
  (*registry)->Delete(request,
                      [&](const absl::Status&) { second.set_value(); });
  absl::Status refused;
  (*registry)->Delete(request, [&](const absl::Status& s) { refused = s; });
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnavailable));
  release.set_value();
  second.get_future().wait();
}

}  // namespace
}  // namespace so
