// What a registry does about code that has to be built first.
#include <future>

#include "gmock/gmock.h"
#include "services/registry/client/sha256.h"
#include "services/registry/testing/registry_fixture.h"

namespace so {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FunctionBuildsTest : public FunctionRegistryTest {
 protected:
  static serverless::pool::v1::BuildResponse Failure() {
    serverless::pool::v1::BuildResponse response;
    auto& problem = *response.add_problems();
    problem.set_file("index.js");
    problem.set_line(3);
    problem.set_column(7);
    problem.set_text("SyntaxError: Unexpected token");
    response.set_log("line one\nline two\n");
    return response;
  }
  static Function Zipped(const std::string& name) {
    Function function = ValidFunction(name);
    function.clear_code();
    function.set_archive(std::string("PK\x03\x04\x14\x00rest", 10));
    return function;
  }
  // Starts something and leaves its answer for later.
  template <typename Start>
  static std::future<FunctionOr> Begin(Start start) {
    auto promise = std::make_shared<std::promise<FunctionOr>>();
    start([promise](FunctionOr f) { promise->set_value(std::move(f)); });
    return promise->get_future();
  }
};

TEST_F(FunctionBuildsTest, ANewFunctionIsBuiltAsItWillRun) {
  Function function = ValidFunction("hello");
  function.set_memory(256);
  (*function.mutable_environment())["KEY"] = "secret";
  SO_ASSERT_OK(Create(function));
  ASSERT_THAT(builder_.requests(), SizeIs(1));
  const auto request = builder_.requests()[0];
  EXPECT_EQ(request.name(), "hello");
  EXPECT_EQ(request.runtime(), "node");
  EXPECT_EQ(request.handler(), "index.handler");
  EXPECT_EQ(request.code(), function.code());
  EXPECT_EQ(request.environment().at("KEY"), "secret");
  EXPECT_EQ(request.memory(), 256);
}

TEST_F(FunctionBuildsTest, WhatCannotBeBuiltIsRefusedWithPlaceAndLog) {
  builder_.AnswerWith(Failure());
  const FunctionOr refused = Create(ValidFunction("hello"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
  const Error error = ErrorFromStatus(refused.status());
  EXPECT_EQ(error.code(), "BUILD_FAILED");
  EXPECT_EQ(error.message(), "index.js:3:7: SyntaxError: Unexpected token");
  EXPECT_FALSE(error.retryable());
  ASSERT_EQ(error.details_size(), 1);
  EXPECT_EQ(error.details(0).field(), "code");
  EXPECT_EQ(error.details(0).problem(), error.message());
  EXPECT_THAT(error.logs(), ElementsAre("line one", "line two"));
  EXPECT_THAT(Get("hello"), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(WrongFields(Create(Zipped("hello")).status()),
              ElementsAre("archive"));
}

TEST_F(FunctionBuildsTest, ALongReportFitsIntoTrailers) {
  serverless::pool::v1::BuildResponse response;
  for (int i = 0; i < 20; ++i) {
    response.add_problems()->set_text(std::string(512, 'x'));
  }
  response.set_log(std::string(100, 'y') + "\n" + std::string(64000, 'z'));
  builder_.AnswerWith(response);
  const Error error = ErrorFromStatus(Create(ValidFunction("hello")).status());
  EXPECT_LT(error.ByteSizeLong(), 5800u);
  EXPECT_THAT(error.details(), ::testing::Not(IsEmpty()));
  EXPECT_THAT(error.logs(), ElementsAre(std::string(100, 'y'), "[truncated]"));
}

TEST_F(FunctionBuildsTest, NothingIsStoredWithoutThePool) {
  builder_.AnswerWith(absl::UnavailableError("the pool cannot be reached"));
  EXPECT_THAT(Create(ValidFunction("hello")),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Get("hello"), HasErrorCode("NOT_FOUND"));
  EXPECT_EQ(registry_->size(), 0u);
}

TEST_F(FunctionBuildsTest, OnlyWhatChangesWhatRunsIsBuilt) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  builder_.AnswerWith(Failure());
  Function change;
  change.set_memory(512);
  SO_EXPECT_OK(Update("hello", change, {"memory"}));
  change.set_handler("index.handler");
  SO_EXPECT_OK(Update("hello", change, {"handler"}));
  EXPECT_THAT(builder_.requests(), SizeIs(1));

  change.set_handler("index.other");
  EXPECT_THAT(WrongFields(Update("hello", change, {"handler"}).status()),
              ElementsAre("handler"));
  EXPECT_EQ(builder_.requests()[1].code_sha256(),
            Sha256Hex(ValidFunction("x").code()));
  (*change.mutable_environment())["KEY"] = "value";
  EXPECT_THAT(Update("hello", change, {"environment"}),
              HasErrorCode("BUILD_FAILED"));
  EXPECT_THAT(Replace("hello", ValidFunction("hello")),
              HasErrorCode("BUILD_FAILED"));
  EXPECT_EQ(Get("hello")->version(), 1);
  EXPECT_EQ(Get("hello")->memory(), 512);
}

TEST_F(FunctionBuildsTest, ARollbackIsCheckedButNotHeldUpByALostPool) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  SO_ASSERT_OK(Replace("hello", ValidFunction("hello")));
  builder_.AnswerWith(absl::UnavailableError("no pool"));
  const FunctionOr back = Rollback("hello", 1);
  SO_ASSERT_OK(back);
  EXPECT_EQ(back->version(), 1);
  builder_.AnswerWith(Failure());
  EXPECT_THAT(Rollback("hello", 2), HasErrorCode("BUILD_FAILED"));
}

TEST_F(FunctionBuildsTest, ATakenNameIsNotBuilt) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  EXPECT_THAT(Create(ValidFunction("hello")), HasErrorCode("ALREADY_EXISTS"));
  EXPECT_THAT(builder_.requests(), SizeIs(1));
}

TEST_F(FunctionBuildsTest, ABuildHoldsUpNobodyElse) {
  builder_.Hold(true);
  auto slow = Begin([&](auto done) {
    registry_->Create(ValidFunction("slow"), std::move(done));
  });
  builder_.Hold(false);
  SO_EXPECT_OK(Create(ValidFunction("quick")));
  EXPECT_THAT(Get("slow"), HasErrorCode("NOT_FOUND"));
  builder_.Release();
  SO_EXPECT_OK(slow.get());
  SO_EXPECT_OK(Get("slow"));
}

TEST_F(FunctionBuildsTest, NothingIsStoredForACallerWhoHasLeft) {
  builder_.Hold(true);
  auto caller = std::make_shared<Cancellation>();
  auto answer = Begin([&](auto done) {
    registry_->Create(ValidFunction("hello"), std::move(done), caller);
  });
  EXPECT_EQ(builder_.caller(0), caller);
  caller->Cancel();
  builder_.Release();
  EXPECT_THAT(answer.get(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_THAT(Get("hello"), HasErrorCode("NOT_FOUND"));
}

TEST_F(FunctionBuildsTest, WhatWasBuiltIsWhatIsCommitted) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  builder_.Hold(true);
  Function change;
  change.set_handler("index.other");
  auto patched = Begin([&](auto done) {
    serverless::registry::v1::UpdateFunctionRequest request;
    request.set_id("hello");
    *request.mutable_function() = change;
    request.mutable_update_mask()->add_paths("handler");
    registry_->Update(request, std::move(done));
  });
  builder_.Hold(false);
  Function next = ValidFunction("hello");
  next.set_code("exports.handler = 2");
  SO_ASSERT_OK(Replace("hello", next));
  // The other handler was never seen with this code.
  builder_.Release();
  EXPECT_THAT(patched.get(), HasErrorCode("ETAG_MISMATCH"));
  EXPECT_EQ(Get("hello")->handler(), "index.handler");
}

TEST_F(FunctionBuildsTest, ArchivesAreStoredAndReadBack) {
  const FunctionOr created = Create(Zipped("hello"));
  SO_ASSERT_OK(created);
  EXPECT_EQ(created->archive(), "");
  EXPECT_EQ(created->code_sha256(), Sha256Hex(Zipped("x").archive()));
  EXPECT_EQ(builder_.requests()[0].archive(), Zipped("x").archive());
  const FunctionOr full = Get("hello", "full");
  EXPECT_EQ(full->archive(), Zipped("x").archive());
  EXPECT_EQ(full->code(), "");
  // An archive may take the place of code, and code that of an archive.
  SO_EXPECT_OK(Update("hello", ValidFunction(""), {"code"}));
  EXPECT_EQ(Get("hello", "full")->code(), ValidFunction("").code());
  SO_EXPECT_OK(Update("hello", Zipped(""), {"archive"}));
  EXPECT_EQ(Get("hello", "full")->archive(), Zipped("").archive());
}

TEST_F(FunctionBuildsTest, NativeRuntimesHaveADefaultHandler) {
  Function function = ValidFunction("hello");
  function.set_runtime("go");
  function.clear_handler();
  EXPECT_EQ(Create(function)->handler(), "Handler");
}

}  // namespace
}  // namespace so
