// Sandboxes with an outbound network, in a small world of their own.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/launcher/testing/launcher_client.h"
#include "sandbox/launcher/testing/launcher_process.h"
#include "sandbox/launcher/testing/network_world.h"
#include "sandbox/launcher/text.h"

namespace so {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Parked = LauncherClient::ParkedSandbox;
using World = NetworkWorld;

// KIND HOST [DEVICE]: connects, and prints the answer or the error's name.
constexpr char kProbe[] = R"(
import errno, socket, sys
kind, host = sys.argv[1:3]
probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == 'tcp'
                      else socket.SOCK_DGRAM)
probe.settimeout(2)
try:
    for device in sys.argv[3:]:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                         device.encode())
    probe.connect((host, 7000))
    if kind == 'udp':
        probe.send(b'hello')
    print(probe.recv(100).decode(), end='')
except OSError as error:
    print(errno.errorcode.get(error.errno, type(error).__name__), end='')
)";

class EgressRootTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    world_ = World::Enter();
    ASSERT_NE(world_, nullptr);
    Launch({});
  }

  void TearDown() override {
    if (HasFailure() && launcher_ != nullptr) std::cerr << launcher_->Log();
  }

  void Launch(std::vector<std::string> flags) {
    client_.reset();
    launcher_ = std::make_unique<LauncherProcess>(std::move(flags));
    ASSERT_EQ(seteuid(LauncherProcess::kClient), 0);
    auto client = LauncherClient::Connect(launcher_->socket());
    ASSERT_EQ(seteuid(0), 0);
    ASSERT_THAT(client, IsOk()) << launcher_->Log();
    client_ = *std::move(client);
    SO_ASSERT_OK(client_->WaitUntilReady("test"));
  }

  Parked Park() {
    auto parked = client_->Park("test");
    EXPECT_THAT(parked, IsOk());
    return parked.ok() ? *std::move(parked) : Parked{};
  }

  launcher::ActivateRequest RequestFor(const Parked& sandbox,
                                       launcher::Network network) {
    launcher::ActivateRequest request;
    request.network = network;
    request.sandbox = sandbox.id();
    request.memory_bytes = uint64_t{64} << 20;
    request.max_pids = 32;
    request.cpu_percent = 100;
    CopyText(launcher_->MakeCode(kProbe), request.code_dir);
    return request;
  }

  Parked Run(launcher::Network network = launcher::Network::kEgress) {
    Parked sandbox = Park();
    EXPECT_THAT(client_->Activate(RequestFor(sandbox, network)), IsOk());
    return sandbox;
  }

  std::string Shell(const Parked& sandbox, const std::string& command) {
    auto answer = AskSandbox(sandbox.channel, "sh " + command);
    EXPECT_THAT(answer, IsOk()) << command;
    return answer.ok() ? *answer : "";
  }

  // What the probe in the sandbox gets from there.
  std::string Probe(const Parked& sandbox, const std::string& arguments) {
    return Shell(sandbox, "python3 /var/task/code " + arguments);
  }

  void End(const Parked& sandbox) {
    EXPECT_THAT(client_->Kill(sandbox.id()), IsOk());
    EXPECT_THAT(client_->WaitForExit(sandbox.id()), IsOk());
  }

  // The same from the host.
  std::string ProbeFromHost(const std::string& arguments) {
    const std::string command = absl::StrCat(
        "python3 ", launcher_->MakeCode(kProbe), "/code ", arguments);
    FILE* output = popen(command.c_str(), "r");
    char text[128] = {};
    text[fread(text, 1, sizeof(text) - 1, output)] = '\0';
    pclose(output);
    return text;
  }

  // Processes of so-egress that the launcher has started.
  std::vector<std::string> Helpers() const {
    std::vector<std::string> found;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
      const std::string directory = entry.path().string();
      std::ifstream file(directory + "/stat");
      std::string pid, name, state;
      pid_t parent = 0;
      file >> pid >> name >> state >> parent;
      if (name == "(so-egress)" && parent == launcher_->pid()) {
        found.push_back(directory);
      }
    }
    return found;
  }

  size_t OpenDescriptors() const {
    const fs::directory_iterator all(
        absl::StrCat("/proc/", launcher_->pid(), "/fd"));
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<LauncherProcess> launcher_;
  std::unique_ptr<LauncherClient> client_;
};

std::string StatusField(const std::string& process, const std::string& name) {
  std::ifstream status(process + "/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key, value;
    words >> key >> value;
    if (key == name + ":") return value;
  }
  return "";
}

TEST_F(EgressRootTest, ReachesTheOutsideOverTcpUdpAndByName) {
  const Parked sandbox = Run();
  EXPECT_EQ(Probe(sandbox, absl::StrCat("tcp ", World::kOutside)), "outside");
  EXPECT_EQ(Probe(sandbox, absl::StrCat("udp ", World::kOutside)), "outside");
  EXPECT_EQ(Probe(sandbox, "tcp outside.test"), "outside");
}

TEST_F(EgressRootTest, IsRefusedEverythingElse) {
  for (const char* address : {World::kHost, World::kHostPrivate}) {
    ASSERT_EQ(ProbeFromHost(absl::StrCat("tcp ", address)), "host");
  }
  ASSERT_EQ(ProbeFromHost(absl::StrCat("udp ", World::kOutsidePrivate)),
            "outside");
  const Parked sandbox = Run();
  for (const char* kind : {"tcp ", "udp "}) {
    for (const char* address :
         {World::kHost, World::kHostPrivate, World::kOutsidePrivate,
          "198.18.0.2", "198.18.0.3", "169.254.169.254", "100.64.0.1",
          "172.16.0.1", "192.168.0.1", "240.0.0.1"}) {
      EXPECT_EQ(Probe(sandbox, absl::StrCat(kind, address)), "EHOSTUNREACH")
          << kind << address;
    }
  }
  // Loopback is its own.
  EXPECT_EQ(Probe(sandbox, "tcp 127.0.0.1"), "ECONNREFUSED");
  EXPECT_EQ(Probe(sandbox, "tcp 0.0.0.0"), "ECONNREFUSED");
}

// The kernel ignores the routes of a socket that is bound to an interface.
TEST_F(EgressRootTest, IsRefusedOnASocketBoundToTheInterface) {
  const Parked sandbox = Run();
  EXPECT_EQ(Probe(sandbox, absl::StrCat("tcp ", World::kOutside, " egress0")),
            "outside");
  for (const char* kind : {"tcp ", "udp "}) {
    for (const char* address :
         {World::kHost, World::kOutsidePrivate, "198.18.0.2", "198.18.0.3",
          "169.254.169.254"}) {
      EXPECT_EQ(Probe(sandbox, absl::StrCat(kind, address, " egress0")),
                "EHOSTUNREACH")
          << kind << address;
    }
  }
  for (const char* address : {"224.0.0.1", "239.255.255.250"}) {
    EXPECT_EQ(Probe(sandbox, absl::StrCat("udp ", address, " egress0")),
              "EHOSTUNREACH")
        << address;
  }
}

TEST_F(EgressRootTest, NobodyListensForIt) {
  const Parked sandbox = Run();
  EXPECT_EQ(Probe(sandbox, absl::StrCat("tcp ", World::kOutside)), "outside");
  Shell(sandbox, "python3 -m http.server 7000 >/dev/null 2>&1 & sleep 0.3");
  EXPECT_THAT(ProbeFromHost("tcp 198.18.0.100"),
              testing::AnyOf("EHOSTUNREACH", "ENETUNREACH", "TimeoutError"));
  // What listens on the host belongs to its own servers, which are root's.
  std::ifstream table("/proc/self/net/tcp");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queue, timer, retries, user;
    words >> number >> local >> remote >> state >> queue >> timer >> retries >>
        user;
    EXPECT_TRUE(state != "0A" || user == "0") << line;
  }
}

TEST_F(EgressRootTest, AllowedRangesAreReachedButNotTheHostInThem) {
  Launch({"--egress_allow=10.99.0.0/16, 192.168.7.0/24"});
  const Parked sandbox = Run();
  EXPECT_EQ(Probe(sandbox, absl::StrCat("tcp ", World::kOutsidePrivate)),
            "outside");
  EXPECT_EQ(Probe(sandbox, absl::StrCat("tcp ", World::kHostPrivate)),
            "EHOSTUNREACH");
}

TEST_F(EgressRootTest, WithoutEgressThereIsOnlyLoopback) {
  const Parked sandbox = Run(launcher::Network::kNone);
  EXPECT_EQ(Probe(sandbox, absl::StrCat("tcp ", World::kOutside)),
            "ENETUNREACH");
  EXPECT_EQ(Probe(sandbox, absl::StrCat("udp ", World::kOutside)),
            "ENETUNREACH");
  EXPECT_EQ(Probe(sandbox, "tcp 127.0.0.1"), "ECONNREFUSED");
  EXPECT_THAT(Probe(sandbox, "tcp outside.test"), testing::Ne("outside"));
  EXPECT_EQ(
      Shell(sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"),
      "lo|");
  EXPECT_THAT(Helpers(), IsEmpty());
}

TEST_F(EgressRootTest, HelperIsNobody) {
  const Parked sandbox = Run();
  const std::vector<std::string> helpers = Helpers();
  ASSERT_THAT(helpers, SizeIs(1));
  EXPECT_GE(std::stol(StatusField(helpers[0], "Uid")), 2000000);
  for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"}) {
    EXPECT_EQ(StatusField(helpers[0], set), "0000000000000000") << set;
  }
  EXPECT_EQ(StatusField(helpers[0], "NoNewPrivs"), "1");
  EXPECT_EQ(StatusField(helpers[0], "Seccomp"), "2");
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(helpers[0] + "/root")) {
    files.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(files, testing::ElementsAre("etc"));
}

TEST_F(EgressRootTest, NothingIsLeftOfIt) {
  End(Run());
  const size_t before = OpenDescriptors();
  std::vector<Parked> sandboxes;
  for (int i = 0; i < 5; ++i) sandboxes.push_back(Run());
  EXPECT_THAT(Helpers(), SizeIs(5));
  for (const Parked& sandbox : sandboxes) End(sandbox);
  EXPECT_THAT(Helpers(), IsEmpty());
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(EgressRootTest, HelperEndsWithTheLauncher) {
  const Parked sandbox = Run();
  const std::vector<std::string> helpers = Helpers();
  ASSERT_THAT(helpers, SizeIs(1));
  launcher_->Kill();
  for (int i = 0; i < 500 && fs::exists(helpers[0]); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_FALSE(fs::exists(helpers[0]));
}

TEST_F(EgressRootTest, SandboxLivesOnWithoutItsHelper) {
  const Parked sandbox = Run();
  const std::vector<std::string> helpers = Helpers();
  ASSERT_THAT(helpers, SizeIs(1));
  kill(std::stoi(fs::path(helpers[0]).filename().string()), SIGKILL);
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_NE(Probe(sandbox, absl::StrCat("tcp ", World::kOutside)), "outside");
  End(sandbox);
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
}

TEST_F(EgressRootTest, MissingHelperIsSaidByTheActivation) {
  Launch({"--egress_helper=/nonexistent"});
  const Parked sandbox = Park();
  EXPECT_THAT(client_->Activate(RequestFor(sandbox, launcher::Network::kEgress))
                  .status()
                  .ToString(),
              HasSubstr("package libslirp0"));
  EXPECT_THAT(client_->WaitForExit(sandbox.id()), IsOk());
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
  Run(launcher::Network::kNone);
}

TEST(EgressStartRootTest, OddRangeIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  LauncherProcess launcher({"--egress_allow=10.0.0.1/8"});
  EXPECT_EQ(launcher.Wait(), 1);
  EXPECT_THAT(launcher.Log(), HasSubstr("10.0.0.1/8"));
}

}  // namespace
}  // namespace so
