#include "services/registry/function_registry.h"

#include "absl/strings/str_cat.h"
#include "services/registry/client/sha256.h"
#include "services/registry/testing/registry_fixture.h"

namespace so {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

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

TEST_F(FunctionRegistryTest, LimitsOfCallsAreSettingsAndMakeNoVersion) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  Function patch;
  patch.set_concurrency_limit(7);
  patch.set_rate_limit(2.5);
  patch.set_rate_burst(4);
  patch.set_cancel_on_disconnect(true);
  const FunctionOr updated = Update(
      "hello", patch,
      {"concurrencyLimit", "rateLimit", "rateBurst", "cancelOnDisconnect"});
  SO_ASSERT_OK(updated);
  EXPECT_EQ(updated->concurrency_limit(), 7);
  EXPECT_EQ(updated->rate_limit(), 2.5);
  EXPECT_EQ(updated->rate_burst(), 4);
  EXPECT_TRUE(updated->cancel_on_disconnect());
  EXPECT_EQ(updated->version(), 1);
  EXPECT_EQ(Update("hello", Function(), {"rateLimit"})->rate_limit(), 0);
  patch.set_rate_limit(-1);
  EXPECT_THAT(WrongFields(Update("hello", patch, {"rateLimit"}).status()),
              ElementsAre("rateLimit"));
}

TEST_F(FunctionRegistryTest, ScalingIsASettingThatIsReplacedAsAWhole) {
  Function function = ValidFunction("hello");
  function.mutable_scaling()->add_policies("windows");
  function.mutable_scaling()->set_idle_budget(50);
  auto* window = function.mutable_scaling()->add_windows();
  window->set_start("0 9 * * 1-5");
  window->set_duration(3600000);
  window->set_time_zone("Europe/Berlin");
  const FunctionOr created = Create(function);
  SO_ASSERT_OK(created);
  EXPECT_EQ(created->scaling().windows(0).start(), "0 9 * * 1-5");
  EXPECT_EQ(created->scaling().windows(0).instances(), 1);
  EXPECT_EQ(Resolve("hello")->scaling().idle_budget(), 50);

  // Other changes leave it alone, one of it makes no version.
  Function patch;
  patch.set_memory(256);
  EXPECT_EQ(Update("hello", patch, {"memory"})->scaling().windows_size(), 1);
  patch.mutable_scaling()->add_policies("prediction");
  const FunctionOr updated = Update("hello", patch, {"scaling.policies"});
  SO_ASSERT_OK(updated);
  EXPECT_EQ(updated->version(), 1);
  EXPECT_THAT(updated->scaling().policies(), ElementsAre("prediction"));
  EXPECT_EQ(updated->scaling().windows_size(), 0);
  EXPECT_EQ(updated->scaling().idle_budget(), 0);
  patch.mutable_scaling()->add_policies("prediction");
  EXPECT_THAT(WrongFields(Update("hello", patch, {"scaling"}).status()),
              ElementsAre("scaling.policies[1]"));

  // Code comes back with a rollback, settings stay.
  function.set_code("exports.handler = async () => 2");
  function.mutable_scaling()->set_idle_budget(70);
  const FunctionOr replaced = Replace("hello", function);
  SO_ASSERT_OK(replaced);
  EXPECT_EQ(replaced->scaling().idle_budget(), 70);
  const FunctionOr back = Rollback("hello", 1);
  SO_ASSERT_OK(back);
  EXPECT_EQ(back->scaling().idle_budget(), 70);
  EXPECT_EQ(Get("hello")->scaling().windows(0).time_zone(), "Europe/Berlin");

  EXPECT_FALSE(Update("hello", Function(), {"scaling"})->has_scaling());
  EXPECT_FALSE(Replace("hello", ValidFunction(""))->has_scaling());
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

TEST_F(FunctionRegistryTest, RollbackBringsBackCodeAndEnvironment) {
  Function function = ValidFunction("hello");
  (*function.mutable_environment())["KEY"] = "one";
  SO_ASSERT_OK(Create(function));
  function.set_code("exports.handler = async () => 2");
  (*function.mutable_environment())["KEY"] = "two";
  function.set_memory(512);
  function.set_cancel_on_disconnect(true);
  SO_ASSERT_OK(Replace("hello", function));
  SO_ASSERT_OK(Replace("hello", function));
  const FunctionOr back = Rollback("hello", 1);
  SO_ASSERT_OK(back);
  EXPECT_EQ(back->version(), 1);
  EXPECT_EQ(back->memory(), 512);
  EXPECT_TRUE(back->cancel_on_disconnect());
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

}  // namespace
}  // namespace so
