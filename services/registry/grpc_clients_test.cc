// The clients of the registry against a real one.
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/testing/status_matchers.h"
#include "base/timer_thread.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "services/pool/client/testing/fake_function_builder.h"
#include "services/registry/client/grpc_code_source.h"
#include "services/registry/client/grpc_function_directory.h"
#include "services/registry/client/sha256.h"
#include "services/registry/registry_feed_service.h"
#include "services/registry/sqlite_function_store.h"
#include "services/registry/testing/await.h"
#include "services/registry/testing/functions.h"
#include "services/registry/testing/temp_dir.h"

namespace so {
namespace {

using FunctionOr = absl::StatusOr<FunctionPtr>;

// A channel that lives as long as the process: gRPC cannot bear its last
// reference being dropped by one of its own threads (grpc/grpc#37858), which
// still hold it for a moment after a call has been answered.
std::shared_ptr<grpc::Channel> LastingChannel(const std::string& address) {
  static auto& channels = *new std::vector<std::shared_ptr<grpc::Channel>>;
  return channels.emplace_back(MakeChannel(address));
}

// What a directory's listener has heard, and a way to wait for it.
class WaitingListener final : public FunctionDirectory::Listener {
 public:
  void OnFunctionChanged(const FunctionPtr& function) override {
    const std::lock_guard lock(mu_);
    memory_[function->name()] = function->memory();
    ids_[function->id()] = function->name();
    ++calls_;
    changed_.notify_all();
  }
  void OnFunctionDeleted(const std::string& id) override {
    const std::lock_guard lock(mu_);
    memory_.erase(ids_[id]);
    ++calls_;
    changed_.notify_all();
  }
  // Waits until the functions known, with their memory, are `expected`.
  void WaitFor(const std::map<std::string, int>& expected) {
    std::unique_lock lock(mu_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30),
                                  [&] { return memory_ == expected; }));
  }
  int calls() {
    const std::lock_guard lock(mu_);
    return calls_;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, int> memory_;
  std::map<std::string, std::string> ids_;
  int calls_ = 0;
};

class RegistryClientsTest : public testing::Test {
 protected:
  RegistryClientsTest() {
    OpenRegistry();
    StartServer("127.0.0.1:0");
    address_ = absl::StrCat("127.0.0.1:", server_->port());
  }
  ~RegistryClientsTest() override { directory_ = nullptr; }

  void OpenRegistry() {
    registry_ = nullptr;
    store_ = nullptr;
    store_ = *SqliteFunctionStore::Create(dir_.path());
    registry_ = *FunctionRegistry::Create({}, *store_, builder_, clock_);
  }
  void StartServer(const std::string& address) {
    service_.emplace(*registry_);
    auto server = Server::Start({.address = address}, {&*service_});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  // The process ends and starts again: same files, same port.
  void RestartRegistry() {
    StopServer();
    OpenRegistry();
    StartServer(address_);
  }
  void StopServer() { server_ = nullptr; }
  void StartDirectory() {
    directory_ = std::make_unique<GrpcFunctionDirectory>(
        loop_, LastingChannel(address_), timers_);
    directory_->Subscribe(listener_);
  }

  void Create(const std::string& name) {
    SO_ASSERT_OK(Await<absl::StatusOr<Function>>([&](auto done) {
      registry_->Create(ValidFunction(name), std::move(done));
    }));
  }
  void SetMemory(const std::string& name, int memory) {
    serverless::registry::v1::UpdateFunctionRequest request;
    request.set_id(name);
    request.mutable_function()->set_memory(memory);
    request.mutable_update_mask()->add_paths("memory");
    SO_ASSERT_OK(Await<absl::StatusOr<Function>>(
        [&](auto done) { registry_->Update(request, std::move(done)); }));
  }
  void Replace(const std::string& name) {
    serverless::registry::v1::ReplaceFunctionRequest request;
    request.set_id(name);
    *request.mutable_function() = ValidFunction(name);
    SO_ASSERT_OK(Await<absl::StatusOr<Function>>(
        [&](auto done) { registry_->Replace(request, std::move(done)); }));
  }
  void Delete(const std::string& name) {
    serverless::registry::v1::DeleteFunctionRequest request;
    request.set_id(name);
    SO_ASSERT_OK(Await<absl::Status>(
        [&](auto done) { registry_->Delete(request, std::move(done)); }));
  }
  FunctionOr Resolve(const std::string& reference) {
    return Await<FunctionOr>(
        [&](auto done) { directory_->Resolve(reference, std::move(done)); });
  }

  TempDir dir_;
  const SystemClock clock_;
  TimerThread timers_{clock_};
  FakeFunctionBuilder builder_;
  std::unique_ptr<FunctionStore> store_;
  std::unique_ptr<FunctionRegistry> registry_;
  std::optional<RegistryFeedService> service_;
  RpcLoop loop_;
  std::unique_ptr<Server> server_;
  std::string address_;
  WaitingListener listener_;
  std::unique_ptr<GrpcFunctionDirectory> directory_;
};

TEST_F(RegistryClientsTest, FollowsTheRegistry) {
  Create("a");
  StartDirectory();
  listener_.WaitFor({{"a", 128}});
  Create("b");
  SetMemory("a", 256);
  listener_.WaitFor({{"a", 256}, {"b", 128}});
  EXPECT_TRUE(directory_->synced());
  Delete("a");
  listener_.WaitFor({{"b", 128}});
  EXPECT_EQ(directory_->List().size(), 1u);
}

TEST_F(RegistryClientsTest, ReadsThroughForOtherVersions) {
  Create("a");
  Replace("a");
  StartDirectory();
  listener_.WaitFor({{"a", 128}});
  EXPECT_EQ((*Resolve("a"))->version(), 2);
  const FunctionOr first = Resolve("a:1");
  SO_ASSERT_OK(first);
  EXPECT_EQ((*first)->version(), 1);
  EXPECT_THAT(Resolve("a:9"), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(Resolve("nothing"), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(Resolve("a:x"), HasErrorCode("INVALID_ARGUMENT"));
  // What has been asked for once is known.
  StopServer();
  SO_EXPECT_OK(Resolve("a:1"));
}

TEST_F(RegistryClientsTest, NotFoundIsOnlyTheRegistrysToSay) {
  StopServer();
  StartDirectory();
  EXPECT_FALSE(directory_->synced());
  const FunctionOr never = Resolve("a");
  EXPECT_THAT(never, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(never.status().message(), "the registry cannot be reached");
  Create("a");
  StartServer(address_);
  listener_.WaitFor({{"a", 128}});
  StopServer();
  EXPECT_THAT(Resolve("b"), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Resolve("a:7"), HasCode(absl::StatusCode::kUnavailable));
  SO_EXPECT_OK(Resolve("a"));
}

TEST_F(RegistryClientsTest, ResumesWhenTheConnectionBreaks) {
  Create("a");
  Create("b");
  StartDirectory();
  listener_.WaitFor({{"a", 128}, {"b", 128}});
  const int calls = listener_.calls();
  StopServer();
  Delete("b");
  SetMemory("a", 256);
  StartServer(address_);
  listener_.WaitFor({{"a", 256}});
  EXPECT_EQ(listener_.calls(), calls + 2);
}

TEST_F(RegistryClientsTest, CatchesUpWhenTheRegistryRestarts) {
  Create("a");
  Create("b");
  StartDirectory();
  listener_.WaitFor({{"a", 128}, {"b", 128}});
  const FunctionPtr before = *Resolve("b");
  StopServer();
  Delete("a");
  RestartRegistry();
  Create("c");
  listener_.WaitFor({{"b", 128}, {"c", 128}});
  // What has not changed is not told again.
  EXPECT_EQ(*Resolve("b"), before);
}

TEST_F(RegistryClientsTest, DirectoryMayGoWhileTheRegistryIsAway) {
  StopServer();
  StartDirectory();
  std::promise<FunctionOr> answer;
  directory_->Resolve("a", [&](FunctionOr f) { answer.set_value(f); });
  directory_ = nullptr;
  EXPECT_FALSE(answer.get_future().get().ok());
}

TEST_F(RegistryClientsTest, CodeSourceFetchesByHash) {
  Create("a");
  GrpcCodeSource source(loop_, LastingChannel(address_));
  const auto fetch = [&](absl::string_view sha256) {
    return Await<absl::StatusOr<Code>>(
        [&](auto done) { source.Fetch(sha256, std::move(done)); });
  };
  const auto code = fetch(Sha256Hex(ValidFunction("a").code()));
  SO_ASSERT_OK(code);
  EXPECT_EQ(code->content, ValidFunction("a").code());
  EXPECT_FALSE(code->is_archive);
  EXPECT_THAT(fetch(Sha256Hex("other")), HasErrorCode("NOT_FOUND"));
  EXPECT_THAT(fetch("short"), HasErrorCode("INVALID_ARGUMENT"));
  StopServer();
  EXPECT_THAT(fetch(Sha256Hex("other")),
              HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace so
