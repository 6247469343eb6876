#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "serverless/registry/v1/registry.pb.h"
#include "services/registry/function_index.h"

namespace so {

// Tells watchers what is committed: a snapshot first, unless they can resume,
// then every change. Remembers the last changes once for all watchers, so that
// a watcher costs a position and not a queue. Thread-safe.
//
//   auto watcher = feed.Subscribe(from_revision, [] { wake the sender; });
//   for (;;) {
//     auto message = watcher->Next();   // error: end the stream with it
//     if (!message->has_value()) break; // until woken
//     send(**message);
//   }
class ChangeFeed {
 public:
  using WatchResponse = serverless::registry::v1::WatchResponse;
  class Watcher;

  // A message has at most about this many bytes and functions.
  static constexpr size_t kMaxMessageBytes = 1 << 20;
  static constexpr int kMaxMessageFunctions = 500;
  // A watcher may lag this far, however short the history is set.
  static constexpr size_t kMinHistory = 1024;

  // `index` is borrowed and must be filled. `history` is how many changes are
  // remembered.
  ChangeFeed(const FunctionIndex& index, size_t history);
  // Precondition: all watchers are gone.
  ~ChangeFeed();

  // A watcher that has seen everything up to `from_revision`; 0, and a revision
  // that is not remembered or not this registry's, mean a snapshot. `on_ready`
  // runs, on any thread, when Next has something to say after it had not; it
  // must not block.
  std::shared_ptr<Watcher> Subscribe(int64_t from_revision,
                                     absl::AnyInvocable<void()> on_ready)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Called by one thread, after `index` has taken in the same change.
  void Publish(ChangeSet changes) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends all watchers, present and future, with `reason`.
  void Close(absl::Status reason) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using SharedChanges = std::shared_ptr<const ChangeSet>;

  // The change after `revision`; null when there is none yet, and the watcher
  // is then woken by the next one. ABORTED when it is forgotten.
  absl::StatusOr<SharedChanges> After(int64_t revision, Watcher* watcher)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Unsubscribe(Watcher* watcher) ABSL_LOCKS_EXCLUDED(mu_);
  void Wake(const std::vector<std::shared_ptr<Watcher>>& idle);
  std::vector<std::shared_ptr<Watcher>> TakeIdle()
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const FunctionIndex& index_;
  const size_t max_history_;
  Mutex mu_;
  absl::Status closed_ ABSL_GUARDED_BY(mu_);
  // Revision of the last change published, or what the index began with.
  int64_t revision_ ABSL_GUARDED_BY(mu_);
  // Consecutive revisions, the oldest first.
  std::deque<SharedChanges> history_ ABSL_GUARDED_BY(mu_);
  // Functions named in history_, which bounds its size.
  size_t remembered_ ABSL_GUARDED_BY(mu_) = 0;
  // Watchers that have seen everything.
  absl::flat_hash_set<Watcher*> idle_ ABSL_GUARDED_BY(mu_);
};

// One subscription. Next is called by one thread at a time.
class ChangeFeed::Watcher
    : public std::enable_shared_from_this<ChangeFeed::Watcher> {
 public:
  ~Watcher();

  // The next message; nothing when everything has been told. ABORTED when the
  // watcher has fallen behind what is remembered: it should subscribe again.
  absl::StatusOr<std::optional<WatchResponse>> Next();

 private:
  friend class ChangeFeed;

  Watcher(ChangeFeed& feed, int64_t revision,
          absl::AnyInvocable<void()> on_ready);

  WatchResponse NextOfSnapshot();
  WatchResponse NextOfChanges();

  ChangeFeed& feed_;
  // Everything up to here has been told.
  int64_t revision_;
  absl::AnyInvocable<void()> on_ready_;
  // What is being told, and how far: a snapshot or a large change takes several
  // messages.
  std::optional<FunctionIndex::Snapshot> snapshot_;
  SharedChanges changes_;
  size_t told_ = 0;
};

}  // namespace so
