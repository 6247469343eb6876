#include "sandbox/init/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/init/child_process.h"
#include "sandbox/init/config.h"
#include "sandbox/init/fault.h"
#include "sandbox/init/frame.h"
#include "sandbox/init/http_server.h"
#include "sandbox/init/runtime_api.h"

namespace so::init {
namespace {

constexpr int kChannel = 3;
// After the end of the bootstrap, for what it has sent before.
constexpr int kMaxLastRounds = 1024;

// To the function's output, where its author looks.
[[noreturn]] void Die(const std::string& problem) {
  fprintf(stderr, "so-init: %s\n", problem.c_str());
  _exit(1);
}

class Instance : public RuntimeApiPort, public HttpListener {
 public:
  Instance() : server_(*this) {}

  [[noreturn]] void Run() {
    SetUp();
    Send(FrameType::kHello, Nonce{}, R"({"contract":1})");
    while (!ended_) Round(/*timeout=*/-1);
    for (int i = 0; i < kMaxLastRounds && Round(/*timeout=*/0); ++i) {
    }
    ExitLike(wait_status_);
  }

  // RuntimeApiPort:
  void Send(FrameType type, const Nonce& nonce,
            std::string_view payload) override;
  void Reply(ConnectionId connection, HttpReply reply) override {
    server_.Reply(connection, std::move(reply));
  }
  int64_t NowMillis() override {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  }
  std::string RandomHex() override;

  // HttpListener:
  void OnRequest(ConnectionId connection, HttpRequest request) override {
    // Whoever connects before there is a bootstrap gets no answer.
    if (api_) api_->OnRequest(connection, std::move(request));
  }
  void OnClosed(ConnectionId connection) override {
    if (api_) api_->OnClosed(connection);
  }

 private:
  void SetUp();
  // Waits and does what there is to do. False when there was no HTTP.
  bool Round(int timeout);
  void OnChannel();
  void OnFrame(Frame frame);
  void OnConfig(const Frame& frame);
  void OnSignals();
  void StartBootstrap(const Config& config, const Nonce& nonce);

  UniqueFd signals_;
  FrameParser frames_;
  HttpServer server_;
  std::optional<RuntimeApi> api_;
  // The bootstrap or the task; 0 before CONFIG.
  pid_t child_ = 0;
  bool ended_ = false;
  int wait_status_ = 0;
  std::vector<pollfd> entries_;
};

void Instance::SetUp() {
  // The bootstrap has our uid; it should not read or write our memory.
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  fcntl(kChannel, F_SETFD, FD_CLOEXEC);
  sigset_t handled;
  sigemptyset(&handled);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGCHLD);
  sigprocmask(SIG_SETMASK, &handled, nullptr);
  signals_.Reset(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (signals_.get() < 0) Die("signalfd: " + std::string(strerror(errno)));
  if (!server_.Open(kRuntimeApiPort)) {
    Die("the Runtime API's port: " + std::string(strerror(errno)));
  }
}

bool Instance::Round(int timeout) {
  entries_.clear();
  entries_.push_back({kChannel, POLLIN, 0});
  entries_.push_back({signals_.get(), POLLIN, 0});
  server_.AddPollEntries(entries_);
  if (poll(entries_.data(), entries_.size(), timeout) < 0) {
    if (errno == EINTR) return true;
    Die("poll: " + std::string(strerror(errno)));
  }
  const bool served = server_.OnPolled(entries_);
  if (entries_[0].revents != 0) OnChannel();
  if (entries_[1].revents != 0) OnSignals();
  return served;
}

void Instance::Send(FrameType type, const Nonce& nonce,
                    std::string_view payload) {
  const std::string frame = EncodeFrame(type, nonce, payload);
  std::string_view rest = frame;
  while (!rest.empty()) {
    const ssize_t sent = send(kChannel, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) _exit(0);  // The pool is gone.
    rest.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string Instance::RandomHex() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) Die("getrandom");
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

void Instance::OnChannel() {
  static char buffer[64 << 10];
  const ssize_t got = recv(kChannel, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    if (child_ > 0) kill(child_, SIGKILL);
    _exit(0);  // The pool is gone.
  }
  frames_.Feed({buffer, static_cast<size_t>(got)});
  for (Frame frame;;) {
    switch (frames_.Next(frame)) {
      case FrameParser::Status::kFrame:
        OnFrame(std::move(frame));
        break;
      case FrameParser::Status::kNeedMore:
        return;
      case FrameParser::Status::kBroken:
        Die("a broken frame");
    }
  }
}

void Instance::OnFrame(Frame frame) {
  if (frame.type == FrameType::kConfig && child_ == 0) return OnConfig(frame);
  if (frame.type == FrameType::kInvoke && api_ &&
      api_->OnInvoke(frame.nonce, std::move(frame.payload))) {
    return;
  }
  Die("a frame out of turn");
}

void Instance::OnConfig(const Frame& frame) {
  const std::optional<Config> config = ParseConfig(frame.payload);
  if (!config) Die("a configuration of another shape");
  if (chdir(config->code_dir.c_str()) != 0) {
    Die(config->code_dir + ": " + strerror(errno));
  }
  if (config->task.empty()) return StartBootstrap(*config, frame.nonce);
  child_ = Spawn(config->task, TaskEnvironment(*config, environ));
  if (child_ < 0) Die(config->task[0] + ": " + strerror(errno));
}

void Instance::StartBootstrap(const Config& config, const Nonce& nonce) {
  api_.emplace(nonce, config.function_arn, config.concurrency, *this);
  const std::string program = config.code_dir + "/bootstrap";
  child_ = Spawn({program}, BootstrapEnvironment(config, environ));
  if (child_ > 0) return;
  const std::string problem = program + " cannot be run: " + strerror(errno);
  Send(FrameType::kInitError, nonce,
       FaultPayload("", "Runtime.InvalidEntrypoint", problem));
  _exit(1);
}

void Instance::OnSignals() {
  signalfd_siginfo signals[8];
  const ssize_t got = read(signals_.get(), signals, sizeof(signals));
  const size_t count =
      got > 0 ? static_cast<size_t>(got) / sizeof(signals[0]) : 0;
  for (size_t i = 0; i < count; ++i) {
    if (signals[i].ssi_signo != SIGTERM) continue;
    if (child_ <= 0) _exit(0);
    kill(child_, SIGTERM);
  }
  // One SIGCHLD may stand for several children.
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != child_) continue;
    ended_ = true;
    wait_status_ = status;
  }
}

}  // namespace

void RunInstance() {
  Instance instance;
  instance.Run();
}

}  // namespace so::init
