#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/router/concurrency_meter.h"
#include "services/router/fair_share.h"
#include "services/router/function_queue.h"
#include "services/router/invocation.h"
#include "services/router/node_link.h"
#include "services/router/receipts.h"
#include "services/router/retry_budget.h"

namespace so {

// Queues invocations per function and gives them to instances. Binding is
// late: whichever instance becomes free or warm first takes the head of the
// queue. A call that finds no free instance asks for a start at once. A call is
// given to another instance only while it is certain that user code has not
// seen it. When the node is full, functions get their shares of it: see
// FairShare.
//
// Thread-safe. Callbacks (InvocationDone, NodeLink) run outside the lock, on
// the thread that caused them.
class Dispatcher final : public NodeLink::Listener {
 public:
  struct Options {
    int queue_depth = 100;
    absl::Duration queue_wait = absl::Seconds(30);
    int max_attempts = 3;
    // See RetryBudget.
    double retry_budget = 10;
    // See FairShare.
    absl::Duration fair_turn = absl::Milliseconds(500);
  };

  // What a function has waiting and running, all versions together.
  struct Load {
    // Empty for a function that was not called since the router started (or was
    // deleted since); then what follows the events is 0.
    std::string function_name;
    int queue_depth = 0;
    int in_flight = 0;
    int starting = 0;
    // Of the events waiting and running.
    int64_t bytes = 0;
    // Of the calls that were not refused: see ConcurrencyMeter.
    absl::Duration call_time;
    int peak = 0;
  };

  // Everything is borrowed. Once timers and link are stopped nothing calls
  // back.
  Dispatcher(Options options, const Clock& clock, Timers& timers,
             NodeLink& link, Logger log);

  // Takes over `invocation`, whose `enqueued` is now. Its `done` runs once,
  // perhaps before this returns. Returns the depth of its queue after it.
  int Submit(InvocationPtr invocation) ABSL_LOCKS_EXCLUDED(mu_);

  // The client has gone: a queued call is dropped with CANCELLED. One that is
  // dispatched runs to its end, unless its function is to be stopped then
  // (cancel_on_disconnect): the node is asked to, and its result follows.
  void Cancel(const InvocationPtr& invocation) ABSL_LOCKS_EXCLUDED(mu_);

  // Lets a dispatched call that streams go on: whoever was given its parts has
  // passed them on.
  void Grant(serverless::pool::v1::Credit credit) {
    link_.Grant(std::move(credit));
  }

  // The function was deleted: queued calls end with NOT_FOUND.
  void ForgetFunction(absl::string_view function_id) ABSL_LOCKS_EXCLUDED(mu_);

  // Loads of functions that were called, or have anything starting, by id.
  std::map<std::string, Load> Loads() const ABSL_LOCKS_EXCLUDED(mu_);

  // Refuses new calls and ends queued ones with UNAVAILABLE, then waits up to
  // `timeout` for those that are running.
  void Drain(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  void OnConnected(const serverless::pool::v1::PoolHello& hello) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnDisconnected() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnInstance(const serverless::pool::v1::InstanceUpdate& update) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnStartFailed(const serverless::pool::v1::StartFailed& failure) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnStarted(const serverless::pool::v1::Started& started) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnEventCredit(const serverless::pool::v1::EventCredit& credit) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnRejected(const serverless::pool::v1::Rejected& rejected) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnPart(serverless::pool::v1::ResponsePart part) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnResult(serverless::pool::v1::Result result) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A function id and a version.
  using QueueKey = std::pair<std::string, int>;

  struct InstanceRecord {
    QueueKey key;
    bool warm = false;  // Has been warm; otherwise it is warming.
    bool used = false;  // Has been dispatched to.
    absl::Time warm_at;
    double start_ms = 0;
    double init_ms = 0;
    int concurrency = 1;  // Calls that it takes at a time.
    int running = 0;
    // It takes no more, and is forgotten with the last of its calls.
    bool leaving = false;
  };

  // The calls of a function, all versions together.
  struct FunctionMeter {
    std::string name;
    ConcurrencyMeter calls;
    // Forgotten with the last of its calls.
    bool deleted = false;
  };

  // What to do once the lock is released.
  struct Effects {
    std::vector<serverless::pool::v1::StartInstance> starts;
    std::vector<serverless::pool::v1::Dispatch> dispatches;
    std::vector<serverless::pool::v1::Cancel> cancels;
    std::vector<std::pair<InvocationPtr, absl::StatusOr<Receipt>>> finished;
  };
  void Apply(Effects effects) ABSL_LOCKS_EXCLUDED(mu_);
  // A call that was not refused has ended: `outcome` is its answer.
  void End(Effects& effects, InvocationPtr invocation,
           absl::StatusOr<Receipt> outcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A part of a large result has come.
  void CollectBody(Invocation& invocation,
                   const serverless::pool::v1::ResponsePart& part);

  void Enqueue(FunctionQueue& queue, InvocationPtr invocation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Gives waiting calls to idle instances, then asks for the starts that are
  // still wanted.
  void Advance(const QueueKey& key, FunctionQueue& queue, Effects& effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DispatchHead(FunctionQueue& queue, Effects& effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Ends a call whose time is over.
  void DropHead(FunctionQueue& queue, Effects& effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AskForStarts(const QueueKey& key, FunctionQueue& queue, Effects& effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AskForStart(const QueueKey& key, FunctionQueue& queue,
                   const std::string& in_place_of, Effects& effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PauseStarts(const QueueKey& key, FunctionQueue& queue,
                   absl::Status error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ResumeStarts(const QueueKey& key) ABSL_LOCKS_EXCLUDED(mu_);
  void EndQueued(FunctionQueue& queue, const absl::Status& status,
                 Effects& effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnQueueTimer(const InvocationPtr& invocation) ABSL_LOCKS_EXCLUDED(mu_);
  void OnSilenceTimer(uint64_t dispatch_id) ABSL_LOCKS_EXCLUDED(mu_);
  // Why `invocation` has waited in vain.
  absl::Status WaitError(const FunctionQueue& queue,
                         const Invocation& invocation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Why a call that an instance refused is not tried again; OK when it is.
  absl::Status RetryError(const Invocation& invocation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetInstance(const std::string& instance_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The call that was dispatched by this id, which runs no longer; null when
  // there is none. `free`: its instance takes another one in its place.
  InvocationPtr TakeRunning(uint64_t dispatch_id, bool free)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Its slots are up for calls.
  void AddIdle(const std::string& instance_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EraseIfUnused(const QueueKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // ---- sharing a full node (dispatcher_sharing.cc)
  // All versions of one function, as FairShare sees them.
  struct Contender {
    std::string function_id;
    // Of the version that asks next; null when none contends.
    std::map<QueueKey, FunctionQueue>::iterator asks;
  };
  struct Contest {
    FairShare rules;
    std::vector<Contender> functions;  // As in `claims`.
    std::vector<Claim> claims;
  };
  // A start was refused for want of room on the node.
  void Contend(FunctionQueue& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether somebody may be waiting for room.
  bool Contended() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return offer_scheduled_;
  }
  // Whether a function other than this one does. Cheap: it is asked with every
  // result on a full node.
  bool OthersContend(const std::string& function_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Contest Survey() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Claim ClaimOf(const FunctionQueue& queue) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // There may be room: who comes first asks for it.
  void OfferRoom(Effects& effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Lets free instances of those above their share give way.
  void ShareNode(Effects& effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The one without a call that was used the longest ago; empty when there is
  // none.
  std::string UnusedInstance(const FunctionQueue& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A free instance of a function, which is forgotten; empty when it has none.
  std::string GiveUpInstance(const std::string& function_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ScheduleOffer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnOfferTimer() ABSL_LOCKS_EXCLUDED(mu_);

  static QueueKey KeyOf(const Invocation& invocation) {
    return {invocation.function->id(), invocation.function->version()};
  }

  const Options options_;
  const Clock& clock_;
  Timers& timers_;
  NodeLink& link_;
  const Logger log_;

  mutable Mutex mu_;
  CondVar idle_;  // Signalled when nothing runs any more.
  bool connected_ ABSL_GUARDED_BY(mu_) = false;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  // By dispatch id.
  absl::flat_hash_map<uint64_t, InvocationPtr> running_ ABSL_GUARDED_BY(mu_);
  uint64_t last_dispatch_ ABSL_GUARDED_BY(mu_) = 0;
  RetryBudget retries_ ABSL_GUARDED_BY(mu_);
  std::map<QueueKey, FunctionQueue> queues_ ABSL_GUARDED_BY(mu_);
  // By function id: those called since the start and not deleted.
  absl::flat_hash_map<std::string, FunctionMeter> meters_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, InstanceRecord> instances_
      ABSL_GUARDED_BY(mu_);
  // What the node grants; 0 while it has not said.
  int node_memory_ ABSL_GUARDED_BY(mu_) = 0;
  int node_instances_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration offer_pause_ ABSL_GUARDED_BY(mu_);
  bool offer_scheduled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace so
