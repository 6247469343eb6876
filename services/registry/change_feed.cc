#include "services/registry/change_feed.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace so {
namespace {

using serverless::registry::v1::WatchResponse;

// Adds functions from `at` on while the message stays small; returns where the
// next message goes on.
template <typename FunctionAt>
size_t Fill(size_t at, size_t count, FunctionAt function_at,
            WatchResponse& message) {
  size_t bytes = 0;
  for (;
       at < count && message.changed_size() < ChangeFeed::kMaxMessageFunctions;
       ++at) {
    const Function& function = *function_at(at);
    bytes += function.ByteSizeLong();
    if (bytes > ChangeFeed::kMaxMessageBytes && message.changed_size() > 0) {
      break;
    }
    *message.add_changed() = function;
  }
  return at;
}

size_t Weight(const ChangeSet& changes) {
  return std::max<size_t>(1,
                          changes.changed.size() + changes.deleted_ids.size());
}

}  // namespace

ChangeFeed::ChangeFeed(const FunctionIndex& index, size_t history)
    : index_(index),
      max_history_(std::max(history, kMinHistory)),
      revision_(index.revision()) {}

ChangeFeed::~ChangeFeed() = default;

std::shared_ptr<ChangeFeed::Watcher> ChangeFeed::Subscribe(
    int64_t from_revision, absl::AnyInvocable<void()> on_ready) {
  std::shared_ptr<Watcher> watcher(
      new Watcher(*this, from_revision, std::move(on_ready)));
  bool resumes;
  {
    MutexLock lock(mu_);
    const int64_t oldest =
        history_.empty() ? revision_ + 1 : history_.front()->revision;
    resumes = from_revision != 0 && from_revision >= oldest - 1 &&
              from_revision <= revision_;
  }
  if (!resumes) {
    // Changes published from here on are either in the snapshot, and skipped,
    // or come after it.
    watcher->snapshot_ = index_.TakeSnapshot();
    watcher->revision_ = watcher->snapshot_->revision;
  }
  return watcher;
}

void ChangeFeed::Publish(ChangeSet changes) {
  std::vector<std::shared_ptr<Watcher>> idle;
  {
    MutexLock lock(mu_);
    revision_ = changes.revision;
    remembered_ += Weight(changes);
    history_.push_back(std::make_shared<const ChangeSet>(std::move(changes)));
    while (remembered_ > max_history_ && history_.size() > 1) {
      remembered_ -= Weight(*history_.front());
      history_.pop_front();
    }
    idle = TakeIdle();
  }
  Wake(idle);
}

void ChangeFeed::Close(absl::Status reason) {
  std::vector<std::shared_ptr<Watcher>> idle;
  {
    MutexLock lock(mu_);
    closed_ = std::move(reason);
    idle = TakeIdle();
  }
  Wake(idle);
}

std::vector<std::shared_ptr<ChangeFeed::Watcher>> ChangeFeed::TakeIdle() {
  std::vector<std::shared_ptr<Watcher>> idle;
  for (Watcher* watcher : idle_) {
    // One that is being destroyed is waiting for the lock to unsubscribe.
    if (auto alive = watcher->weak_from_this().lock()) {
      idle.push_back(std::move(alive));
    }
  }
  idle_.clear();
  return idle;
}

void ChangeFeed::Wake(const std::vector<std::shared_ptr<Watcher>>& idle) {
  for (const std::shared_ptr<Watcher>& watcher : idle) watcher->on_ready_();
}

absl::StatusOr<ChangeFeed::SharedChanges> ChangeFeed::After(int64_t revision,
                                                            Watcher* watcher) {
  MutexLock lock(mu_);
  if (!closed_.ok()) return closed_;
  if (revision >= revision_) {
    idle_.insert(watcher);
    return nullptr;
  }
  const int64_t oldest = history_.front()->revision;
  if (revision + 1 < oldest) {
    Error error = MakeError("ABORTED", "fell behind the feed; watch again");
    error.set_retryable(true);
    return ErrorStatus(absl::StatusCode::kAborted, error);
  }
  return history_[revision + 1 - oldest];
}

void ChangeFeed::Unsubscribe(Watcher* watcher) {
  MutexLock lock(mu_);
  idle_.erase(watcher);
}

ChangeFeed::Watcher::Watcher(ChangeFeed& feed, int64_t revision,
                             absl::AnyInvocable<void()> on_ready)
    : feed_(feed), revision_(revision), on_ready_(std::move(on_ready)) {}

ChangeFeed::Watcher::~Watcher() { feed_.Unsubscribe(this); }

absl::StatusOr<std::optional<WatchResponse>> ChangeFeed::Watcher::Next() {
  if (snapshot_.has_value()) return NextOfSnapshot();
  if (changes_ == nullptr) {
    auto changes = feed_.After(revision_, this);
    if (!changes.ok()) return changes.status();
    if (*changes == nullptr) return std::nullopt;
    changes_ = *std::move(changes);
    told_ = 0;
  }
  return NextOfChanges();
}

WatchResponse ChangeFeed::Watcher::NextOfSnapshot() {
  const std::vector<FunctionPtr>& functions = snapshot_->functions;
  WatchResponse message;
  message.set_revision(snapshot_->revision);
  message.set_snapshot_begin(told_ == 0);
  told_ = Fill(
      told_, functions.size(), [&](size_t i) { return functions[i].get(); },
      message);
  if (told_ == functions.size()) {
    message.set_snapshot_end(true);
    snapshot_.reset();
  }
  return message;
}

WatchResponse ChangeFeed::Watcher::NextOfChanges() {
  const std::vector<FunctionRecord>& changed = changes_->changed;
  WatchResponse message;
  if (told_ == 0) {
    message.mutable_deleted_ids()->Assign(changes_->deleted_ids.begin(),
                                          changes_->deleted_ids.end());
  }
  told_ = Fill(
      told_, changed.size(),
      [&](size_t i) { return changed[i].function.get(); }, message);
  // Until all of it is told, a client resumes from before it.
  message.set_revision(changes_->revision - 1);
  if (told_ == changed.size()) {
    message.set_revision(changes_->revision);
    revision_ = changes_->revision;
    changes_ = nullptr;
  }
  return message;
}

}  // namespace so
