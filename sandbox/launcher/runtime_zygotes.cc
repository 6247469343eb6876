#include "sandbox/launcher/runtime_zygotes.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace so {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
constexpr absl::Duration kLongestPause = absl::Seconds(30);
constexpr absl::Duration kStartLimit = absl::Seconds(30);

}  // namespace

RuntimeZygotes::RuntimeZygotes(std::string name,
                               isolation::ZygoteProgram program,
                               Context context)
    : name_(std::move(name)),
      program_(std::move(program)),
      context_(context),
      pause_(kFirstPause) {
  StartOne();
}

RuntimeZygotes::RuntimeZygotes(std::string name, std::string problem,
                               Context context)
    : name_(std::move(name)), context_(context), problem_(std::move(problem)) {}

RuntimeZygotes::~RuntimeZygotes() {
  for (const TimerId timer : {retry_, start_limit_, age_limit_}) {
    context_.poller.Cancel(timer);
  }
}

ZygoteProcess* RuntimeZygotes::Fork(const isolation::ForkRequest& request,
                                    const std::vector<int>& fds, int& error) {
  error = ENOTCONN;
  if (current_ == nullptr) return nullptr;
  error = current_->Fork(request, fds);
  if (error != 0) return nullptr;
  if (current_->forks() >= context_.limits.forks) StartOne();
  return current_.get();
}

void RuntimeZygotes::StartOne() {
  if (starting_ != nullptr || retry_ != 0) return;
  auto zygote = ZygoteProcess::Start(program_, context_.poller, *this);
  if (!zygote.ok()) {
    NoteProblem(std::string(zygote.status().message()));
    StartLater();
    return;
  }
  starting_ = *std::move(zygote);
  start_limit_ = context_.poller.Schedule(kStartLimit, [this] {
    start_limit_ = 0;
    if (starting_ != nullptr) starting_->Kill();
  });
}

void RuntimeZygotes::StartLater() {
  if (retry_ != 0) return;
  retry_ = context_.poller.Schedule(pause_, [this] {
    retry_ = 0;
    StartOne();
  });
  pause_ = std::min(pause_ * 2, kLongestPause);
}

void RuntimeZygotes::NoteProblem(const std::string& problem) {
  context_.log.Warn("zygote ended", {{"runtime", name_}, {"reason", problem}});
  if (current_ != nullptr) return;
  problem_ = problem;
  context_.changed(*this);
}

void RuntimeZygotes::EndIdleRetired() {
  for (const auto& zygote : retired_) {
    if (zygote->children() == 0) zygote->End();
  }
}

void RuntimeZygotes::OnZygoteReady(ZygoteProcess& zygote) {
  if (&zygote != starting_.get()) return;
  const bool was_ready = ready();
  if (current_ != nullptr) retired_.push_back(std::move(current_));
  current_ = std::move(starting_);
  EndIdleRetired();
  context_.poller.Cancel(std::exchange(start_limit_, 0));
  context_.poller.Cancel(age_limit_);
  age_limit_ = context_.poller.Schedule(context_.limits.age, [this] {
    age_limit_ = 0;
    StartOne();
  });
  pause_ = kFirstPause;
  problem_.clear();
  context_.log.Info("zygote ready",
                    {{"runtime", name_}, {"pid", current_->pid()}});
  if (!was_ready) context_.changed(*this);
}

void RuntimeZygotes::OnForked(const isolation::Forked& forked, UniqueFd pidfd) {
  context_.forks.OnForked(forked, std::move(pidfd));
}

void RuntimeZygotes::OnDied(const isolation::Died& died) {
  context_.forks.OnDied(died);
  EndIdleRetired();
}

void RuntimeZygotes::OnZygoteEnded(ZygoteProcess& zygote,
                                   const std::string& reason) {
  context_.forks.OnZygoteGone(zygote);
  if (&zygote == current_.get()) {
    current_.reset();
    NoteProblem(reason);
    StartLater();
  } else if (&zygote == starting_.get()) {
    starting_.reset();
    context_.poller.Cancel(std::exchange(start_limit_, 0));
    NoteProblem(reason);
    StartLater();
  } else {
    retired_.erase(
        std::remove_if(retired_.begin(), retired_.end(),
                       [&](const auto& one) { return one.get() == &zygote; }),
        retired_.end());
  }
}

}  // namespace so
