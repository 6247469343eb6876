#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/executor.h"
#include "base/log.h"
#include "serverless/pool/v1/pool.pb.h"
#include "services/pool/capacity.h"
#include "services/pool/cleanup_plan.h"
#include "services/pool/code_store.h"
#include "services/pool/event_log.h"
#include "services/pool/event_parts.h"
#include "services/pool/eviction_order.h"
#include "services/pool/function_group.h"
#include "services/pool/instance.h"
#include "services/pool/node_memory.h"
#include "services/pool/prefetcher.h"
#include "services/pool/result_parts.h"
#include "services/pool/runtime_catalog.h"
#include "services/pool/start_queue.h"
#include "services/pool/start_steps.h"

namespace so {

// Where the pool's messages to one router go.
class RouterLink {
 public:
  virtual ~RouterLink() = default;
  virtual void Send(serverless::pool::v1::AttachResponse message) = 0;
};

// All instances of one node: starts them on demand and ahead of it, hands them
// invocations, and retires what is idle, old or outdated. Decides within the
// node's capacity; what runs and how it is isolated is the Sandbox's business.
// Everything here is for the loop thread.
class InstancePool final : private InstanceOwner {
 public:
  struct Options {
    std::string pool_id = "pool";
    // Of all functions together; memory in MB.
    Capacity capacity{.instances = 200, .memory = 4096};
    int max_concurrent_starts = 4;
    absl::Duration idle_timeout = absl::Seconds(60);
    absl::Duration max_age = absl::Minutes(5);
    absl::Duration cleanup_interval = absl::Seconds(30);
    // When less than this share of the node's memory is available, free
    // instances are evicted until it is, and nothing is started ahead of demand
    // but for min_instances.
    double low_memory = 0.1;
    absl::Duration memory_check_interval = absl::Seconds(2);
  };
  // All borrowed.
  struct Dependencies {
    const InstanceContext& instances;
    FunctionDirectory& directory;
    CodeStore& code;
    const RuntimeCatalog& runtimes;
    StartSteps& steps;
    // Where answers of the directory are to be continued.
    Executor& executor;
    // May be null: then only what is promised counts.
    const NodeMemory* memory = nullptr;
  };

  InstancePool(Options options, Dependencies dependencies);
  // Kills what is left.
  ~InstancePool() override;

  // ---- routers. `link` is borrowed until Detach. Attach reports the pool and
  // its instances before it returns.
  RouterId Attach(RouterLink& link);
  // Running invocations go on; their results are dropped.
  void Detach(RouterId router);
  void StartInstance(RouterId router,
                     const serverless::pool::v1::StartInstance& request);
  void Dispatch(RouterId router, serverless::pool::v1::Dispatch request);
  void AddEventPart(RouterId router,
                    const serverless::pool::v1::EventPart& part);
  void Cancel(RouterId router, const serverless::pool::v1::Cancel& request);
  void Grant(RouterId router, const serverless::pool::v1::Credit& credit);
  // Sends what is left of large results: the router's stream is to end.
  void FlushResults(RouterId router) { results_.Flush(router); }

  // ---- people, tools and the scaler.
  using WarmId = uint64_t;
  WarmId Warm(const serverless::pool::v1::WarmRequest& request,
              WarmCall::OnDone done);
  // Nobody waits any more; what was started stays.
  void CancelWarm(WarmId id);
  absl::StatusOr<serverless::pool::v1::SetTargetResponse> SetTarget(
      const serverless::pool::v1::SetTargetRequest& request);
  void ListInstances(
      const std::string& function,
      absl::AnyInvocable<
          void(absl::StatusOr<serverless::pool::v1::ListInstancesResponse>)>
          done);
  serverless::pool::v1::GetMetricsResponse GetMetrics() const;
  absl::StatusOr<serverless::pool::v1::ListEventsResponse> ListEvents(
      const serverless::pool::v1::ListEventsRequest& request) const;

  // ---- what the registry reports.
  void OnFunctionChanged(const FunctionPtr& function);
  void OnFunctionDeleted(const std::string& function_id);
  // The functions known so far are those that there were before: from now on,
  // new ones and new versions are deployed. Repeating it changes nothing.
  void OnDirectorySynced() { synced_ = true; }

  // Takes no more work, retires what is free, waits for what is busy up to
  // `timeout` and then stops it. `done` runs when no instance is left.
  void Drain(absl::Duration timeout, absl::AnyInvocable<void()> done);

 private:
  struct StartRequest {
    StartReason reason;
    // The same with numbers, for people.
    std::string detail;
    RouterId requester = 0;
    std::string start_id;
    std::string replaces;
    std::shared_ptr<WarmCall> warm_call;
  };

  // InstanceOwner.
  void OnWarm(Instance& instance) override;
  void OnStartFailed(Instance& instance, const Error& error,
                     std::vector<std::string> logs) override;
  void OnStarted(Instance& instance, const RunningCall& call) override;
  void OnPart(Instance& instance, const RunningCall& call,
              serverless::pool::v1::ResponsePart part) override;
  void OnResult(Instance& instance, const RunningCall& call,
                serverless::pool::v1::Result result) override;
  void OnRejected(Instance& instance, const RunningCall& call,
                  absl::string_view reason) override;
  void OnTerminating(Instance& instance, bool by_itself) override;
  void OnGone(Instance& instance) override;

  // ---- starting (instance_pool.cc)
  void StartOnDemand(const StartRequest& request, const FunctionPtr& function);
  void RefuseStart(const StartRequest& request, const std::string& function_id,
                   int version, const Error& error, bool node_full = false);
  // Ends a free instance, so that another function has its room.
  void GiveWay(const std::string& instance_id, const std::string& function_id);
  void AddMember(FunctionGroup& group, const FunctionPtr& function,
                 StartRequest request);
  void CodeReady(const std::string& instance_id,
                 const absl::StatusOr<std::string>& code_dir);
  void PumpStarts();
  // One of the wanted version that waits to be started ahead of demand; null
  // when there is none.
  Member* FindQueued(FunctionGroup& group,
                     const serverless::function::v1::Function& wanted);
  // A call waits for it now.
  void Promote(Member& member, const StartRequest& request);
  // Keeps a function to its max_instances: ends a free instance of another
  // version for one of `wanted`.
  bool MakeRoomInGroup(const FunctionGroup& group,
                       const serverless::function::v1::Function& wanted);
  bool MakeRoom(const FunctionGroup& group, const FunctionPtr& function);
  // The free instances of a function that are not needed for min_instances, the
  // longest idle first.
  std::vector<Evictable> SpareInstances(const FunctionGroup& group) const;
  bool HasRoom(const serverless::function::v1::Function& function) const;
  Capacity Used() const;

  // ---- keeping up (instance_pool_upkeep.cc)
  void Cleanup();
  void CleanupGroup(FunctionGroup& group);
  CleanupLimits LimitsOf(const FunctionGroup& group) const;
  // Expires what a target allows to, and looks again when more will be due.
  void CheckIdle(FunctionGroup& group);
  // To be called when an instance has become free.
  void CheckIdleLater(FunctionGroup& group, absl::Duration delay);
  absl::Duration MaxAgeOf(
      const serverless::function::v1::Function* function) const;
  void Expire(FunctionGroup& group, Member& member,
              const CleanupLimits& limits);
  void Replace(FunctionGroup& group, Member& old);
  void EnsureFloor(FunctionGroup& group);
  // Whether another one may be started because of the group's target.
  bool WarmingAllowed(const FunctionGroup& group) const;
  // Whether this is the first time that the pool hears of this version, and it
  // is not one of those that there were before the pool.
  bool IsDeploy(const serverless::function::v1::Function& function);
  void WarmDeployed(FunctionGroup& group, const FunctionPtr& function);
  void CheckMemory();
  void RelieveMemory(const MemoryReading& reading);
  void NoteFailure(FunctionGroup& group);
  // An instance ends: was it worth starting?
  void NoteUse(FunctionGroup& group, const Member& member);
  void RetireWhenFree(Member& member, Departure why);
  void DropOutdated(FunctionGroup& group, const FunctionPtr& current);
  void ForgetIfEmpty(const std::string& function_id);

  // ---- requests (instance_pool_requests.cc)
  void StartWarm(WarmId id, const FunctionPtr& function);
  void WarmSettled(const std::shared_ptr<WarmCall>& call);
  serverless::pool::v1::ListInstancesResponse Describe(
      const std::string& function_id) const;

  // ---- records (instance_pool_records.cc)
  // Writes a decision about an instance into the event log.
  void Note(const Member& member, absl::string_view action,
            absl::string_view reason, std::string detail);
  // The same for one that is about to go; only the first reason counts.
  void Depart(Member& member, const Departure& why);
  // Both note why.
  void Retire(Member& member, const Departure& why);
  void Evict(Member& member, absl::string_view reason, std::string detail);
  // It is started, or will not be: counts and who waits.
  void StartEnded(const Member& member);
  // Adds up the memory times time of an instance whose state has changed.
  void Account(Member& member);
  MemoryTime MemoryTimeOf(const FunctionGroup& group) const;

  FunctionGroup& GroupOf(const std::string& function_id);
  Member& MemberOf(const Instance& instance);
  Member* FindMember(const std::string& instance_id);
  void SendTo(RouterId router, serverless::pool::v1::AttachResponse message);
  // To all routers but `except`.
  void Announce(const Member& member, RouterId except = 0);
  void Reject(RouterId router, const serverless::pool::v1::Dispatch& request,
              absl::string_view reason);
  int EnforcedMemory(const serverless::function::v1::Function& function) const;
  absl::Time Now() const { return deps_.instances.clock.Now(); }

  const Options options_;
  const Dependencies deps_;
  const Logger log_{"POOL"};
  const Logger optimizer_log_{"OPTIMIZER"};
  Prefetcher prefetcher_;
  EventLog event_log_;
  std::map<RouterId, RouterLink*> routers_;
  RouterId last_router_ = 0;
  // Large ones, on their way to and from routers.
  EventParts events_;
  ResultParts results_;
  // By function id. A group stays while the function is known or has instances.
  std::map<std::string, FunctionGroup> groups_;
  // Instance id to function id.
  absl::flat_hash_map<std::string, std::string> functions_of_;
  int64_t last_instance_ = 0;
  StartQueue start_queue_;
  // Instances being started, and those of them that a caller waits for.
  int warming_ = 0;
  int warming_on_demand_ = 0;
  // Until then there is no room for what the scaler wants.
  absl::Time demand_first_until_ = absl::InfinitePast();
  std::map<WarmId, std::shared_ptr<WarmCall>> warm_calls_;
  WarmId last_warm_ = 0;
  // Function id to the version that the pool has heard of.
  absl::flat_hash_map<std::string, int> known_versions_;
  bool synced_ = false;
  bool memory_low_ = false;
  TimerId memory_timer_ = 0;
  TimerId cleanup_timer_ = 0;
  TimerId drain_timer_ = 0;
  absl::AnyInvocable<void()> on_drained_;
  bool draining_ = false;
};

}  // namespace so
