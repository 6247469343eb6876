#include "services/pool/launcher_client.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using ::testing::HasSubstr;

// The other end of the socket, by hand.
class LauncherEnd {
 public:
  explicit LauncherEnd(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX};
    strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    listener_.Reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)),
              0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
  }

  void Accept() {
    pollfd ready{.fd = listener_.get(), .events = POLLIN};
    ASSERT_EQ(poll(&ready, 1, 20000), 1);
    connection_.Reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  // Whether the pool hangs up.
  bool SeesTheEnd() {
    char buffer[launcher::kMaxMessageBytes];
    while (recv(connection_.get(), buffer, sizeof(buffer), 0) > 0) {
    }
    return true;
  }
  void Close() { connection_.Reset(); }

  template <typename Message>
  void Send(const Message& message, int descriptors = 0) {
    iovec part{.iov_base = const_cast<Message*>(&message),
               .iov_len = sizeof(message)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)] = {};
    msghdr header{.msg_iov = &part, .msg_iovlen = 1};
    if (descriptors > 0) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors);
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptors);
      for (int i = 0; i < descriptors; ++i) {
        const int fd = 0;
        memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(int));
      }
    }
    EXPECT_EQ(sendmsg(connection_.get(), &header, MSG_NOSIGNAL),
              static_cast<ssize_t>(sizeof(message)));
  }
  template <typename Message>
  Message Receive() {
    Message message;
    EXPECT_EQ(recv(connection_.get(), &message, sizeof(message), MSG_TRUNC),
              static_cast<ssize_t>(sizeof(message)));
    return message;
  }
  void Greet(uint32_t missing_layers = 0) {
    Accept();
    launcher::Hello hello;
    hello.missing_layers = missing_layers;
    Send(hello);
  }

 private:
  UniqueFd listener_;
  UniqueFd connection_;
};

// Something that comes to be known on the loop thread.
template <typename T>
class Awaited {
 public:
  void Set(T value) {
    MutexLock lock(mu_);
    value_ = std::move(value);
    changed_.SignalAll();
  }
  T Wait() {
    MutexLock lock(mu_);
    while (!value_ && changed_.WaitFor(mu_, absl::Seconds(20))) {
    }
    EXPECT_TRUE(value_.has_value());
    return std::move(value_).value_or(T());
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::optional<T> value_ ABSL_GUARDED_BY(mu_);
};

struct ParkAnswer {
  absl::Status status = absl::UnknownError("none");
  uint64_t id = 0;
  bool has_memory = false;
  absl::Duration first_step;
};

class LauncherClientTest : public ::testing::Test {
 protected:
  LauncherClientTest()
      : path_((std::filesystem::path(::testing::TempDir()) /
               ("so-" + RandomToken(8)))
                  .string()),
        end_(path_) {
    loop_.Run([this] {
      client_ = std::make_unique<LauncherClient>(path_, loop_);
      client_->Subscribe([this] {
        MutexLock lock(mu_);
        state_ = client_->state();
        changed_.SignalAll();
      });
      client_->Connect();
    });
  }
  ~LauncherClientTest() override {
    loop_.Run([this] { client_.reset(); });
    std::filesystem::remove(path_);
  }

  template <typename Condition>
  LauncherState WaitFor(Condition condition) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (!condition(state_) && changed_.WaitFor(mu_, absl::Seconds(20))) {
    }
    EXPECT_TRUE(condition(state_)) << state_.problem;
    return state_;
  }
  LauncherState WaitUntilUp() {
    return WaitFor([](const LauncherState& state) { return state.up(); });
  }
  LauncherState WaitForProblem(const std::string& problem) {
    return WaitFor([&](const LauncherState& state) {
      return absl::StrContains(state.problem, problem);
    });
  }

  void Park(Awaited<ParkAnswer>& answer) {
    loop_.Run([&] {
      client_->Park("node", [&](absl::StatusOr<ParkedSandbox> sandbox) {
        // A status of its own: threads must not share one, see tsan.supp.
        ParkAnswer result{.status = absl::Status(sandbox.status().code(),
                                                 sandbox.status().message())};
        if (sandbox.ok()) {
          result.id = sandbox->id;
          result.has_memory = sandbox->handles.memory.valid();
          result.first_step = sandbox->steps[0];
        }
        answer.Set(std::move(result));
      });
    });
  }
  // A sandbox with this id, parked.
  void MakeSandbox(uint64_t id) {
    Awaited<ParkAnswer> answer;
    Park(answer);
    end_.Send(ParkedMessage(id, end_.Receive<launcher::ParkRequest>().ticket),
              3);
    SO_EXPECT_OK(answer.Wait().status);
  }
  static launcher::Parked ParkedMessage(uint64_t id, uint64_t ticket) {
    launcher::Parked parked;
    parked.ticket = ticket;
    parked.sandbox = id;
    parked.descriptors = 0b1011;  // Channel, output and memory.
    parked.step_micros[0] = 250;
    return parked;
  }

  const std::string path_;
  LauncherEnd end_;
  EventLoop loop_;
  std::unique_ptr<LauncherClient> client_;
  Mutex mu_;
  CondVar changed_;
  LauncherState state_ ABSL_GUARDED_BY(mu_);
};

TEST_F(LauncherClientTest, LearnsWhatIsMissingAndWhichRuntimesAreReady) {
  end_.Greet(/*missing_layers=*/0b1100);
  EXPECT_THAT(WaitUntilUp().missing_layers,
              ::testing::ElementsAre("seccomp", "landlock"));
  launcher::RuntimeState runtime;
  runtime.ready = 1;
  strcpy(runtime.runtime, "node");
  end_.Send(runtime);
  WaitFor([](const LauncherState& state) {
    return state.runtimes.contains("node") && state.runtimes.at("node").ready;
  });
  runtime.ready = 0;
  strcpy(runtime.problem, "it has crashed");
  end_.Send(runtime);
  WaitFor([](const LauncherState& state) {
    return state.runtimes.at("node").problem == "it has crashed";
  });
}

TEST_F(LauncherClientTest, TakesASandboxThroughItsLife) {
  end_.Greet();
  WaitUntilUp();
  Awaited<ParkAnswer> parked;
  Park(parked);
  const auto request = end_.Receive<launcher::ParkRequest>();
  EXPECT_STREQ(request.runtime, "node");
  end_.Send(ParkedMessage(7, request.ticket), 3);
  const ParkAnswer answer = parked.Wait();
  SO_EXPECT_OK(answer.status);
  EXPECT_EQ(answer.id, 7u);
  EXPECT_TRUE(answer.has_memory);
  EXPECT_EQ(answer.first_step, absl::Microseconds(250));

  Awaited<absl::Duration> activated;
  Awaited<SandboxEnd> ended;
  loop_.Run([&] {
    client_->WhenEnded(7, [&](const SandboxEnd& end) { ended.Set(end); });
    client_->Activate(7,
                      {.runtime = "node",
                       .code_dir = "/code",
                       .memory = 64,
                       .max_pids = 9,
                       .egress = true},
                      [&](auto took) { activated.Set(took.value()); });
  });
  const auto activation = end_.Receive<launcher::ActivateRequest>();
  EXPECT_EQ(activation.sandbox, 7u);
  EXPECT_EQ(activation.memory_bytes, 64u << 20);
  EXPECT_EQ(activation.max_pids, 9u);
  EXPECT_EQ(activation.cpu_percent, 100u);
  EXPECT_EQ(activation.network, launcher::Network::kEgress);
  EXPECT_STREQ(activation.code_dir, "/code");
  EXPECT_STREQ(activation.output_dir, "");
  launcher::Activated done;
  done.sandbox = 7;
  done.micros = 300;
  end_.Send(done);
  EXPECT_EQ(activated.Wait(), absl::Microseconds(300));

  loop_.Run([&] { client_->Kill(7, /*gently=*/true); });
  EXPECT_EQ(end_.Receive<launcher::KillRequest>().gently, 1u);
  launcher::Exited exited;
  exited.sandbox = 7;
  exited.wait_status = SIGKILL;
  exited.out_of_memory = 1;
  exited.memory_peak_bytes = 3 << 20;
  exited.cpu_nanos = 5000;
  end_.Send(exited);
  const SandboxEnd end = ended.Wait();
  EXPECT_EQ(end.exit.signal, SIGKILL);
  EXPECT_TRUE(end.exit.out_of_memory);
  EXPECT_EQ(end.usage.memory, 3);
  EXPECT_EQ(end.usage.cpu, absl::Microseconds(5));
}

TEST_F(LauncherClientTest, ExplainsWhatFailed) {
  end_.Greet();
  WaitUntilUp();
  Awaited<ParkAnswer> parked;
  Park(parked);
  launcher::ParkFailed failed;
  failed.ticket = end_.Receive<launcher::ParkRequest>().ticket;
  failed.error = ENOSPC;
  strcpy(failed.step, "cgroup");
  end_.Send(failed);
  EXPECT_EQ(parked.Wait().status.message(), "cgroup: No space left on device");
}

TEST_F(LauncherClientTest, EverythingEndsWithTheConnectionWhichComesBack) {
  end_.Greet();
  WaitUntilUp();
  MakeSandbox(7);
  Awaited<ParkAnswer> parked;
  Awaited<SandboxEnd> ended;
  loop_.Run([&] {
    client_->WhenEnded(7, [&](const SandboxEnd& end) { ended.Set(end); });
  });
  Park(parked);
  end_.Close();
  EXPECT_THAT(parked.Wait().status, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(ended.Wait().exit.lost);
  WaitForProblem("the launcher was lost");
  end_.Greet();
  WaitUntilUp();
  // The same number names another sandbox in another life.
  MakeSandbox(7);
}

TEST_F(LauncherClientTest, NobodyHearsOfWhatWasAbandoned) {
  end_.Greet();
  WaitUntilUp();
  MakeSandbox(7);
  loop_.Run([&] {
    client_->WhenEnded(7, [](const SandboxEnd&) { FAIL(); });
    client_->Abandon(7);
  });
  EXPECT_EQ(end_.Receive<launcher::KillRequest>().sandbox, 7u);
  launcher::Exited exited;
  exited.sandbox = 7;
  end_.Send(exited);
  MakeSandbox(8);
}

TEST_F(LauncherClientTest, APathThatDoesNotFitFailsTheActivation) {
  end_.Greet();
  WaitUntilUp();
  MakeSandbox(7);
  Awaited<std::string> problem;
  loop_.Run([&] {
    client_->Activate(7, {.code_dir = std::string(600, 'x')}, [&](auto took) {
      problem.Set(std::string(took.status().message()));
    });
  });
  EXPECT_THAT(problem.Wait(), HasSubstr("too long"));
  EXPECT_EQ(end_.Receive<launcher::KillRequest>().sandbox, 7u);
}

TEST_F(LauncherClientTest, HangsUpOnWhoBreaksTheProtocol) {
  const auto unknown_ticket = ParkedMessage(7, 99);
  launcher::Parked no_channel = ParkedMessage(7, 1);
  no_channel.descriptors = 0b110;
  launcher::Hello old;
  old.version = 99;
  launcher::Activated stranger;
  stranger.sandbox = 4711;
  const std::vector<std::pair<std::string, std::function<void()>>> cases = {
      {"nobody asked", [&] { end_.Send(unknown_ticket, 3); }},
      {"out of turn", [&] { end_.Send(launcher::Hello{}); }},
      {"unknown sandbox", [&] { end_.Send(stranger); }},
      {"another size", [&] { end_.Send(launcher::MessageType::kExited); }},
      {"unknown message",
       [&] { end_.Send(static_cast<launcher::MessageType>(77)); }},
      {"beside the wrong message", [&] { end_.Send(stranger, 1); }},
      {"too short", [&] { end_.Send('x'); }},
  };
  for (const auto& [problem, misbehave] : cases) {
    end_.Greet();
    WaitUntilUp();
    misbehave();
    EXPECT_TRUE(end_.SeesTheEnd());
    WaitForProblem(problem);
  }
  end_.Greet();
  WaitUntilUp();
  Awaited<ParkAnswer> parked;
  Park(parked);
  no_channel.ticket = end_.Receive<launcher::ParkRequest>().ticket;
  end_.Send(no_channel, 2);
  EXPECT_FALSE(parked.Wait().status.ok());
  WaitForProblem("without channel");
  end_.Accept();
  end_.Send(old);
  WaitForProblem("another version");
}

}  // namespace
}  // namespace so
