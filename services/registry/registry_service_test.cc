#include "services/registry/registry_service.h"

#include <future>

#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "rpc/client_stream.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "rpc/status.h"
#include "services/pool/client/testing/fake_function_builder.h"
#include "services/registry/client/sha256.h"
#include "services/registry/registry_feed_service.h"
#include "services/registry/sqlite_function_store.h"
#include "services/registry/testing/functions.h"
#include "services/registry/testing/temp_dir.h"

namespace so {
namespace {

namespace v1 = serverless::registry::v1;

class RegistryServiceTest : public testing::Test {
 protected:
  RegistryServiceTest() {
    store_ = *SqliteFunctionStore::Create(dir_.path());
    registry_ = *FunctionRegistry::Create({}, *store_, builder_, clock_);
    service_.emplace(*registry_);
    feed_service_.emplace(*registry_);
    server_ = *Server::Start({.address = "127.0.0.1:0"},
                             {&*service_, &*feed_service_});
    stub_ = v1::RegistryService::NewStub(server_->InProcessChannel());
    feed_ = v1::RegistryFeedService::NewStub(server_->InProcessChannel());
  }

  // Makes one call: Call<Response>(stub, &Stub::Method, request).
  template <typename Response, typename Stub, typename Request>
  static absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(30));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

  Function Create(const Function& function) {
    v1::CreateFunctionRequest request;
    *request.mutable_function() = function;
    auto response =
        Call(*stub_, &v1::RegistryService::Stub::CreateFunction, request);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->function() : Function();
  }

  TempDir dir_;
  ManualClock clock_;
  FakeFunctionBuilder builder_;
  std::unique_ptr<FunctionStore> store_;
  std::unique_ptr<FunctionRegistry> registry_;
  std::optional<RegistryService> service_;
  std::optional<RegistryFeedService> feed_service_;
  RpcLoop loop_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::RegistryService::Stub> stub_;
  std::unique_ptr<v1::RegistryFeedService::Stub> feed_;
};

Function SecretFunction() {
  Function function = ValidFunction("hello");
  (*function.mutable_environment())["KEY"] = "secret";
  return function;
}

TEST_F(RegistryServiceTest, EveryPublicCallAnswers) {
  using Stub = v1::RegistryService::Stub;
  EXPECT_EQ(Create(SecretFunction()).environment().at("KEY"), "***");

  v1::GetFunctionRequest get;
  get.set_function("hello");
  get.set_view("full");
  const auto got = Call(*stub_, &Stub::GetFunction, get);
  SO_ASSERT_OK(got);
  EXPECT_EQ(got->function().code(), SecretFunction().code());
  EXPECT_EQ(got->function().environment().at("KEY"), "***");

  const auto listed =
      Call(*stub_, &Stub::ListFunctions, v1::ListFunctionsRequest());
  SO_ASSERT_OK(listed);
  EXPECT_EQ(listed->functions(0).environment().at("KEY"), "***");

  v1::ReplaceFunctionRequest replace;
  replace.set_id("hello");
  *replace.mutable_function() = got->function();
  replace.set_etag(got->function().etag());
  const auto replaced = Call(*stub_, &Stub::ReplaceFunction, replace);
  SO_ASSERT_OK(replaced);
  EXPECT_EQ(replaced->function().version(), 2);
  EXPECT_THAT(Call(*stub_, &Stub::ReplaceFunction, replace),
              HasErrorCode("ETAG_MISMATCH"));

  v1::UpdateFunctionRequest update;
  update.set_id("hello");
  update.mutable_function()->set_memory(512);
  update.mutable_update_mask()->add_paths("memory");
  const auto updated = Call(*stub_, &Stub::UpdateFunction, update);
  SO_ASSERT_OK(updated);
  EXPECT_EQ(updated->function().memory(), 512);

  v1::RollbackFunctionRequest rollback;
  rollback.set_id("hello");
  rollback.set_version(1);
  const auto back = Call(*stub_, &Stub::RollbackFunction, rollback);
  SO_ASSERT_OK(back);
  EXPECT_EQ(back->function().version(), 1);

  v1::ListVersionsRequest versions;
  versions.set_id("hello");
  const auto history = Call(*stub_, &Stub::ListVersions, versions);
  SO_ASSERT_OK(history);
  EXPECT_EQ(history->versions_size(), 2);
  EXPECT_EQ(history->versions(0).environment().at("KEY"), "***");

  v1::DeleteFunctionRequest remove;
  remove.set_id("hello");
  SO_EXPECT_OK(Call(*stub_, &Stub::DeleteFunction, remove));
  EXPECT_THAT(Call(*stub_, &Stub::GetFunction, get), HasErrorCode("NOT_FOUND"));
}

TEST_F(RegistryServiceTest, ProblemsReachTheClientFieldByField) {
  v1::CreateFunctionRequest request;
  EXPECT_THAT(Call(*stub_, &v1::RegistryService::Stub::CreateFunction, request),
              HasErrorCode("INVALID_ARGUMENT"));
  *request.mutable_function() = ValidFunction("HELLO");
  request.mutable_function()->set_timeout(0);
  const auto created =
      Call(*stub_, &v1::RegistryService::Stub::CreateFunction, request);
  const Error error = ErrorFromStatus(created.status());
  ASSERT_EQ(error.details_size(), 2);
  EXPECT_EQ(error.details(0).field(), "name");
  EXPECT_EQ(error.details(1).field(), "timeout");
}

TEST_F(RegistryServiceTest, FeedResolvesInClear) {
  Create(SecretFunction());
  v1::ResolveFunctionRequest request;
  request.set_function("hello:1");
  const auto resolved =
      Call(*feed_, &v1::RegistryFeedService::Stub::ResolveFunction, request);
  SO_ASSERT_OK(resolved);
  EXPECT_EQ(resolved->function().environment().at("KEY"), "secret");
  EXPECT_EQ(resolved->function().code(), "");
  request.set_function("hello:2");
  EXPECT_THAT(
      Call(*feed_, &v1::RegistryFeedService::Stub::ResolveFunction, request),
      HasErrorCode("NOT_FOUND"));
}

TEST_F(RegistryServiceTest, FeedServesCode) {
  const std::string sha256 = Create(SecretFunction()).code_sha256();
  v1::GetCodeRequest request;
  request.set_sha256(sha256);
  const auto code =
      Call(*feed_, &v1::RegistryFeedService::Stub::GetCode, request);
  SO_ASSERT_OK(code);
  EXPECT_EQ(code->content(), SecretFunction().code());
  EXPECT_FALSE(code->is_archive());
  request.set_sha256(Sha256Hex("other"));
  EXPECT_THAT(Call(*feed_, &v1::RegistryFeedService::Stub::GetCode, request),
              HasErrorCode("NOT_FOUND"));
  request.set_sha256("../../etc/passwd");
  EXPECT_THAT(Call(*feed_, &v1::RegistryFeedService::Stub::GetCode, request),
              HasErrorCode("INVALID_ARGUMENT"));
}

TEST_F(RegistryServiceTest, WatchTellsSnapshotThenChangesThenTheEnd) {
  Create(SecretFunction());
  std::promise<v1::WatchResponse> snapshot;
  std::promise<v1::WatchResponse> change;
  std::promise<absl::Status> ended;
  int messages = 0;
  v1::WatchRequest request;
  auto reader = ClientReader<v1::WatchResponse>::Start(
      [&](grpc::ClientContext* context) {
        return feed_->PrepareAsyncWatch(context, request, loop_.queue());
      },
      [&](v1::WatchResponse message) {
        (messages++ == 0 ? snapshot : change).set_value(message);
      },
      [&](const absl::Status& status) { ended.set_value(status); });
  const v1::WatchResponse first = snapshot.get_future().get();
  EXPECT_TRUE(first.snapshot_begin());
  EXPECT_TRUE(first.snapshot_end());
  EXPECT_EQ(first.changed(0).environment().at("KEY"), "secret");
  Create(ValidFunction("other"));
  const v1::WatchResponse second = change.get_future().get();
  EXPECT_EQ(second.changed(0).name(), "other");
  EXPECT_EQ(second.revision(), first.revision() + 1);
  registry_->Drain();
  EXPECT_THAT(ended.get_future().get(),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(RegistryServiceTest, WatchEndsWhenTheClientGoes) {
  std::promise<void> first;
  std::promise<absl::Status> ended;
  v1::WatchRequest request;
  auto reader = ClientReader<v1::WatchResponse>::Start(
      [&](grpc::ClientContext* context) {
        return feed_->PrepareAsyncWatch(context, request, loop_.queue());
      },
      [&](v1::WatchResponse) { first.set_value(); },
      [&](const absl::Status& status) { ended.set_value(status); });
  first.get_future().wait();
  reader->Cancel();
  EXPECT_THAT(ended.get_future().get(), HasCode(absl::StatusCode::kCancelled));
  // Nothing is left that would hold up the server or be told of changes.
  Create(ValidFunction("other"));
  server_->Shutdown(absl::Seconds(30));
}

}  // namespace
}  // namespace so
