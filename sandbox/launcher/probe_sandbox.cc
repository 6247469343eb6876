#include "sandbox/launcher/probe_sandbox.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/launcher/runtime_programs.h"
#include "sandbox/launcher/text.h"

namespace so {
namespace {

using launcher::Descriptor;
using launcher::MessageType;

constexpr absl::Duration kFreezerPatience = absl::Milliseconds(30);

isolation::ZygoteProgram ProbeProgram(const std::string& programs_dir,
                                      uint32_t skip) {
  return {.command = {"/opt/so/so-probe"},
          .environment = SandboxEnvironment(),
          .directories = {{programs_dir, "/opt/so"}},
          .sandboxes_share_user_namespace =
              (skip & isolation::kSkipUserNamespace) != 0};
}

bool Has(const launcher::Parked& parked, Descriptor descriptor) {
  return (parked.descriptors >> static_cast<uint32_t>(descriptor) & 1) != 0;
}

// The messages with a step of their own.
template <typename Message>
std::string Describe(const void* data) {
  Message message;
  std::memcpy(&message, data, sizeof(message));
  return absl::StrCat(TextOf(message.step), ": ", std::strerror(message.error));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProbeSandbox>> ProbeSandbox::Make(
    const Options& options, const Context& context) {
  std::unique_ptr<ProbeSandbox> probe(new ProbeSandbox(options, context));
  SO_RETURN_IF_ERROR(probe->Start(options));
  return probe;
}

ProbeSandbox::ProbeSandbox(const Options& options, const Context& context)
    : context_(context),
      // The program's own directory serves as code, whoever owns it.
      table_({.skip = options.skip, .client_uid = 0}, context.poller,
             context.cgroups, context.uids, context.log),
      on_changed_([](const RuntimeZygotes&) {}) {
  table_.SetClient(this);
}

ProbeSandbox::~ProbeSandbox() {
  table_.SetClient(nullptr);
  End().IgnoreError();
}

absl::Status ProbeSandbox::Start(const Options& options) {
  zygotes_ = std::make_unique<RuntimeZygotes>(
      "probe", ProbeProgram(options.programs_dir, options.skip),
      RuntimeZygotes::Context{.poller = context_.poller,
                              .log = context_.log,
                              .forks = table_,
                              .changed = on_changed_});
  SO_RETURN_IF_ERROR(WaitFor("the probe's zygote", [this] {
    return zygotes_->ready() || !zygotes_->problem().empty();
  }));
  if (!zygotes_->ready()) {
    return absl::UnavailableError(zygotes_->problem());
  }
  table_.Park({}, zygotes_.get());
  SO_RETURN_IF_ERROR(WaitFor(
      "parking", [this] { return parked_.has_value() || !failure_.empty(); }));
  if (!failure_.empty()) return absl::UnavailableError(failure_);
  launcher::ActivateRequest request;
  request.sandbox = parked_->sandbox;
  request.memory_bytes = options.memory_bytes;
  request.max_pids = options.max_pids;
  request.cpu_percent = 100;
  CopyText(options.programs_dir, request.code_dir);
  table_.Activate(request);
  if (!failure_.empty()) return absl::UnavailableError(failure_);
  return absl::OkStatus();
}

absl::Status ProbeSandbox::WaitFor(absl::string_view what,
                                   absl::AnyInvocable<bool()> done,
                                   absl::Duration limit) {
  bool late = false;
  const TimerId timer = context_.poller.Schedule(limit, [&] { late = true; });
  while (!done() && !late) context_.poller.RunOnce(absl::Milliseconds(2));
  context_.poller.Cancel(timer);
  return late ? absl::UnavailableError(absl::StrCat(what, " takes too long"))
              : absl::OkStatus();
}

absl::Status ProbeSandbox::SendLine(absl::string_view line) {
  const std::string text = absl::StrCat(line, "\n");
  return send(channel_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                 static_cast<ssize_t>(text.size())
             ? absl::OkStatus()
             : absl::ErrnoToStatus(errno, "write to the probe");
}

std::optional<std::string> ProbeSandbox::TakeLine() {
  char buffer[4096];
  const ssize_t size = recv(channel_.get(), buffer, sizeof(buffer), 0);
  if (size > 0) received_.append(buffer, static_cast<size_t>(size));
  const size_t end = received_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line;
}

absl::StatusOr<std::string> ProbeSandbox::Ask(absl::string_view command) {
  SO_RETURN_IF_ERROR(SendLine(command));
  std::optional<std::string> line;
  SO_RETURN_IF_ERROR(WaitFor(absl::StrCat("the probe's ", command), [&] {
    line = TakeLine();
    return line.has_value() || exited_.has_value();
  }));
  if (line) return *std::move(line);
  return absl::UnavailableError(
      absl::StrCat("the probe ended during \"", command, "\""));
}

absl::StatusOr<bool> ProbeSandbox::KilledBy(absl::string_view command) {
  SO_RETURN_IF_ERROR(SendLine(command));
  SO_RETURN_IF_ERROR(WaitFor("the probe's end", [&] {
    return exited_.has_value() || TakeLine().has_value();
  }));
  const bool killed = exited_.has_value() && exited_->out_of_memory != 0;
  SO_RETURN_IF_ERROR(End());
  return killed;
}

absl::StatusOr<bool> ProbeSandbox::TryFreezing() {
  SO_RETURN_IF_ERROR(SetFrozen(true));
  SO_RETURN_IF_ERROR(SendLine("echo"));
  std::optional<std::string> line;
  const absl::Status answered = WaitFor(
      "echo",
      [&] {
        line = TakeLine();
        return line.has_value();
      },
      kFreezerPatience);
  SO_RETURN_IF_ERROR(SetFrozen(false));
  if (answered.ok()) return false;
  SO_RETURN_IF_ERROR(WaitFor("a thawed probe's echo", [&] {
    line = TakeLine();
    return line.has_value();
  }));
  return true;
}

absl::Status ProbeSandbox::SetFrozen(bool frozen) {
  const bool v1 = parked_->freezer_dialect == launcher::Parked::kV1;
  const absl::string_view word =
      v1 ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
  return pwrite(freezer_.get(), word.data(), word.size(), 0) > 0
             ? absl::OkStatus()
             : absl::ErrnoToStatus(errno, "freezer");
}

absl::Status ProbeSandbox::End() {
  table_.KillAll();
  return WaitFor("the probe's end", [this] { return table_.empty(); });
}

void ProbeSandbox::Tell(const void* message, size_t,
                        std::vector<UniqueFd> fds) {
  MessageType type;
  std::memcpy(&type, message, sizeof(type));
  if (type == MessageType::kParked) {
    std::memcpy(&parked_.emplace(), message, sizeof(launcher::Parked));
    channel_ = std::move(fds[0]);
    output_ = std::move(fds[1]);
    if (Has(*parked_, Descriptor::kFreezer)) freezer_ = std::move(fds[2]);
  } else if (type == MessageType::kParkFailed) {
    failure_ = Describe<launcher::ParkFailed>(message);
  } else if (type == MessageType::kActivateFailed) {
    failure_ = Describe<launcher::ActivateFailed>(message);
  } else if (type == MessageType::kExited) {
    std::memcpy(&exited_.emplace(), message, sizeof(launcher::Exited));
  }
}

}  // namespace so
