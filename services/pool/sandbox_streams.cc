#include "services/pool/sandbox_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace so {
namespace {

constexpr size_t kReadBytes = 64 << 10;
// A writer that never stops must not keep the loop from everything else.
constexpr size_t kMaxDrainBytes = 4 << 20;

UniqueFd NonBlocking(UniqueFd fd) {
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return fd;
}

}  // namespace

SandboxStreams::SandboxStreams(EventLoop& loop, SandboxListener& listener,
                               UniqueFd channel, UniqueFd output)
    : listener_(listener),
      channel_(NonBlocking(std::move(channel))),
      output_(NonBlocking(std::move(output))),
      channel_watch_(loop.WatchFd(channel_.get())),
      output_watch_(loop.WatchFd(output_.get())) {}

void SandboxStreams::Start() {
  WaitForOutput();
  const std::weak_ptr<bool> alive = alive_;
  if (ReadControl() != ReadResult::kEnd && !alive.expired()) WaitForControl();
}

void SandboxStreams::Send(std::string bytes) {
  outgoing_.push_back(std::move(bytes));
  if (outgoing_.size() == 1) Write();
}

void SandboxStreams::DrainOutput() { ReadOutput(kMaxDrainBytes); }

void SandboxStreams::Finish() {
  ReadOutput(kMaxDrainBytes);
  while (ReadControl() == ReadResult::kSome) {
  }
}

void SandboxStreams::WaitForControl() {
  channel_watch_->WhenReadable([this] {
    const std::weak_ptr<bool> alive = alive_;
    if (ReadControl() != ReadResult::kEnd && !alive.expired()) {
      WaitForControl();
    }
  });
}

SandboxStreams::ReadResult SandboxStreams::ReadControl() {
  char buffer[kReadBytes];
  // Descriptors that the process sends along are never installed here.
  const ssize_t got = recv(channel_.get(), buffer, sizeof(buffer), 0);
  if (got == 0) return ReadResult::kEnd;
  if (got < 0) {
    return errno == EAGAIN || errno == EINTR ? ReadResult::kNothingNow
                                             : ReadResult::kEnd;
  }
  listener_.OnControl(absl::string_view(buffer, got));
  return ReadResult::kSome;
}

void SandboxStreams::WaitForOutput() {
  output_watch_->WhenReadable([this] {
    if (ReadOutput(kReadBytes)) WaitForOutput();
  });
}

bool SandboxStreams::ReadOutput(size_t limit) {
  char buffer[kReadBytes];
  for (size_t total = 0; total < limit;) {
    const ssize_t got = read(output_.get(), buffer, sizeof(buffer));
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    total += got;
    listener_.OnOutput(absl::string_view(buffer, got));
  }
  return true;
}

void SandboxStreams::Write() {
  while (!outgoing_.empty()) {
    const std::string& front = outgoing_.front();
    const ssize_t sent = send(channel_.get(), front.data() + written_,
                              front.size() - written_, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      channel_watch_->WhenWritable([this] { Write(); });
      return;
    }
    if (sent < 0) {
      outgoing_.clear();  // The process is gone, or has closed its end.
      written_ = 0;
      return;
    }
    written_ += sent;
    if (written_ < front.size()) continue;
    outgoing_.pop_front();
    written_ = 0;
  }
}

}  // namespace so
