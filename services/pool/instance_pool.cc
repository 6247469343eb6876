#include "services/pool/instance_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

// How long after a call found the node full nothing is started ahead of demand:
// longer than a router waits before it asks again.
constexpr absl::Duration kDemandFirst = absl::Seconds(2);

Error NoCapacity(absl::string_view why) {
  Error error = MakeError("NO_CAPACITY", why, "no");
  error.set_retryable(true);
  return error;
}

Error CodeError(const std::string& name, const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) {
    Error error = MakeError(
        "FUNCTION_INIT_FAILED",
        absl::StrCat(name, " could not be loaded: ", status.message()), "no");
    error.mutable_fault()->set_type("MalformedHandlerName");
    error.mutable_fault()->set_message(std::string(status.message()));
    return error;
  }
  Error error =
      MakeError("UNAVAILABLE",
                absl::StrCat("the code of ", name, " is not available"), "no");
  error.set_retryable(true);
  return error;
}

}  // namespace

InstancePool::InstancePool(Options options, Dependencies dependencies)
    : options_(std::move(options)),
      deps_(dependencies),
      prefetcher_(deps_.code),
      event_log_(options_.pool_id, deps_.instances.clock),
      events_([this](RouterId router, pb::AttachResponse message) {
        SendTo(router, std::move(message));
      }),
      results_([this](RouterId router, pb::AttachResponse message) {
        SendTo(router, std::move(message));
      }) {
  cleanup_timer_ = deps_.instances.timers.Schedule(options_.cleanup_interval,
                                                   [this] { Cleanup(); });
  if (deps_.memory != nullptr) CheckMemory();
}

InstancePool::~InstancePool() {
  deps_.instances.timers.Cancel(cleanup_timer_);
  deps_.instances.timers.Cancel(drain_timer_);
  deps_.instances.timers.Cancel(memory_timer_);
  for (auto& [id, group] : groups_) {
    deps_.instances.timers.Cancel(group.retry_timer);
    deps_.instances.timers.Cancel(group.idle_timer);
  }
}

void InstancePool::StartInstance(RouterId router,
                                 const pb::StartInstance& request) {
  StartRequest start{.reason = StartReason::kOnDemand,
                     .detail = "a call waits for it",
                     .requester = router,
                     .start_id = request.start_id()};
  GiveWay(request.in_place_of(), request.function_id());
  FunctionPtr function = deps_.directory.Find(request.function_id());
  if (function != nullptr && function->version() == request.version()) {
    StartOnDemand(start, function);
    return;
  }
  deps_.directory.Resolve(
      absl::StrCat(request.function_id(), ":", request.version()),
      [this, start, request](absl::StatusOr<FunctionPtr> resolved) {
        deps_.executor.Post(
            [this, start, request, resolved = std::move(resolved)] {
              if (resolved.ok()) {
                StartOnDemand(start, *resolved);
              } else {
                RefuseStart(start, request.function_id(), request.version(),
                            ErrorFromStatus(resolved.status()));
              }
            });
      });
}

void InstancePool::GiveWay(const std::string& instance_id,
                           const std::string& function_id) {
  Member* member = FindMember(instance_id);
  if (member == nullptr || !member->is(pb::INSTANCE_STATE_WARM)) return;
  demand_first_until_ = Now() + kDemandFirst;
  Evict(*member, "room",
        absl::StrCat("gives way to a call of ", function_id,
                     ", whose share of the node is smaller"));
}

void InstancePool::StartOnDemand(const StartRequest& request,
                                 const FunctionPtr& function) {
  const auto refuse = [&](const Error& error) {
    RefuseStart(request, function->id(), function->version(), error);
  };
  if (draining_) {
    Error error = MakeError("UNAVAILABLE", "the pool is shutting down", "no");
    error.set_retryable(true);
    return refuse(error);
  }
  FunctionGroup& group = GroupOf(function->id());
  if (Member* queued = FindQueued(group, *function); queued != nullptr) {
    return Promote(*queued, request);
  }
  if (!MakeRoomInGroup(group, *function)) {
    return refuse(NoCapacity(absl::StrCat(function->name(), " has its ",
                                          function->max_instances(),
                                          " instances already")));
  }
  InitBreaker& breaker = group.breakers[function->version()];
  if (!breaker.Allow(Now())) return refuse(breaker.last_error());
  if (!MakeRoom(group, function)) {
    demand_first_until_ = Now() + kDemandFirst;
    RefuseStart(request, function->id(), function->version(),
                NoCapacity("this node has no room for another instance"),
                /*node_full=*/true);
    return;
  }
  AddMember(group, function, request);
}

Member* InstancePool::FindQueued(
    FunctionGroup& group, const serverless::function::v1::Function& wanted) {
  for (const auto& [id, member] : group.members) {
    if (member->is(pb::INSTANCE_STATE_COLD) && member->requester == 0 &&
        !member->retire_when_free &&
        !IsOutdated(member->instance->function(), wanted)) {
      return member.get();
    }
  }
  return nullptr;
}

void InstancePool::Promote(Member& member, const StartRequest& request) {
  member.requester = request.requester;
  member.start_id = request.start_id;
  start_queue_.Promote(member.instance->id());
  PumpStarts();
}

void InstancePool::RefuseStart(const StartRequest& request,
                               const std::string& function_id, int version,
                               const Error& error, bool node_full) {
  log_.Warn("start refused", {{"function_id", function_id},
                              {"version", version},
                              {"code", error.code()}});
  pb::AttachResponse message;
  pb::StartFailed& failed = *message.mutable_start_failed();
  failed.set_start_id(request.start_id);
  failed.set_function_id(function_id);
  failed.set_version(version);
  *failed.mutable_error() = error;
  failed.set_node_full(node_full);
  SendTo(request.requester, std::move(message));
  ForgetIfEmpty(function_id);
}

void InstancePool::AddMember(FunctionGroup& group, const FunctionPtr& function,
                             StartRequest request) {
  // A constant width, so that ids sort by age.
  const std::string id = absl::StrFormat("inst-%06d", ++last_instance_);
  auto member = std::make_unique<Member>();
  member->instance = std::make_unique<Instance>(
      deps_.instances, id, function, static_cast<InstanceOwner&>(*this));
  member->reason = request.reason;
  member->requester = request.requester;
  member->start_id = std::move(request.start_id);
  member->memory = EnforcedMemory(*function);
  member->accounted_at = Now();
  member->replaces = std::move(request.replaces);
  member->warm_call = std::move(request.warm_call);
  if (member->warm_call != nullptr) member->warm_call->Expect();
  if (request.reason != StartReason::kOnDemand) {
    optimizer_log_.Info("warming up", {{"instance_id", id},
                                       {"function_id", function->id()},
                                       {"version", function->version()},
                                       {"reason", ReasonName(request.reason)}});
  }
  const Member& added =
      *group.members.emplace(id, std::move(member)).first->second;
  functions_of_[id] = group.function_id;
  ++group.started;
  Note(added, "start", ReasonName(request.reason), std::move(request.detail));
  deps_.code.Prepare(function, [this, id](absl::StatusOr<std::string> dir) {
    CodeReady(id, dir);
  });
}

void InstancePool::CodeReady(const std::string& instance_id,
                             const absl::StatusOr<std::string>& code_dir) {
  Member* member = FindMember(instance_id);
  if (member == nullptr || !member->is(pb::INSTANCE_STATE_COLD)) return;
  if (!code_dir.ok()) {
    log_.Warn("code not available",
              {{"instance_id", instance_id},
               {"function_id", member->instance->function().id()},
               {"error", code_dir.status().message()}});
    member->instance->Abort(
        CodeError(member->instance->function().name(), code_dir.status()));
    return;
  }
  member->code_dir = *code_dir;
  start_queue_.Push(instance_id, member->on_demand());
  PumpStarts();
}

void InstancePool::PumpStarts() {
  // Starts ahead of demand take half of what may be started at a time, and
  // never what one on demand could have had: those are counted for themselves.
  const int ahead = std::max(1, options_.max_concurrent_starts / 2);
  while (warming_on_demand_ < options_.max_concurrent_starts) {
    const bool on_demand_only = warming_ - warming_on_demand_ >= ahead ||
                                warming_ >= options_.max_concurrent_starts;
    const std::optional<std::string> id = start_queue_.Pop(on_demand_only);
    if (!id) return;
    Member* member = FindMember(*id);
    if (member == nullptr || !member->is(pb::INSTANCE_STATE_COLD)) continue;
    const auto& function = member->instance->function();
    // Prepare has found it, and runtimes do not go away.
    const Runtime& runtime = *deps_.runtimes.Find(function.runtime());
    ++warming_;
    if (member->on_demand()) ++warming_on_demand_;
    member->instance->Start({
        .runtime = runtime.name(),
        .code_dir = member->code_dir,
        .memory = runtime.EnforcedMemory(function.memory()),
        .max_pids = runtime.max_pids(),
        .cpu_percent = CpuPercent(function.memory()),
        .egress = function.network() == "egress",
        .ahead_of_demand = !member->on_demand(),
    });
    member->announced = true;
    Announce(*member);
  }
}

bool InstancePool::MakeRoomInGroup(
    const FunctionGroup& group,
    const serverless::function::v1::Function& wanted) {
  if (group.CountLive() < wanted.max_instances()) return true;
  // The longest idle of those that cannot serve this call.
  Member* spare = nullptr;
  for (const auto& [id, member] : group.members) {
    if (!member->is(pb::INSTANCE_STATE_WARM) ||
        !IsOutdated(member->instance->function(), wanted)) {
      continue;
    }
    if (spare == nullptr ||
        member->instance->idle() > spare->instance->idle()) {
      spare = member.get();
    }
  }
  if (spare == nullptr) return false;
  Evict(*spare, "room",
        absl::StrCat("for an instance of version ", wanted.version(),
                     ": the function may have ", wanted.max_instances()));
  return true;
}

bool InstancePool::MakeRoom(const FunctionGroup& group,
                            const FunctionPtr& function) {
  if (HasRoom(*function)) return true;
  std::vector<Evictable> candidates;
  for (const auto& [function_id, other] : groups_) {
    if (&other == &group) continue;
    for (Evictable& spare : SpareInstances(other)) {
      candidates.push_back(std::move(spare));
    }
  }
  const auto evicted =
      ChooseEvictions(Used(), options_.capacity, EnforcedMemory(*function),
                      EvictionOrder(std::move(candidates)));
  if (!evicted) return false;
  for (const std::string& id : *evicted) {
    Member& spare = *FindMember(id);
    Evict(spare, "room",
          absl::StrCat("idle for ", InWords(spare.instance->idle()),
                       "; makes room for a call of ", function->id()));
  }
  return true;
}

std::vector<Evictable> InstancePool::SpareInstances(
    const FunctionGroup& group) const {
  std::vector<Evictable> free;
  for (const auto& [id, member] : group.members) {
    if (!member->is(pb::INSTANCE_STATE_WARM)) continue;
    free.push_back({.id = id,
                    .memory = member->memory,
                    .idle = member->instance->idle(),
                    .cold_start = group.cold_start});
  }
  const FunctionPtr function = deps_.directory.Find(group.function_id);
  const int min_instances = function ? function->min_instances() : 0;
  const auto at_most = [&](int count) {
    return std::clamp<int>(count, 0, static_cast<int>(free.size()));
  };
  std::sort(free.begin(), free.end(),
            [](const auto& a, const auto& b) { return a.idle > b.idle; });
  free.resize(at_most(group.CountLive() - min_instances));
  if (group.HasTarget(Now())) {
    const int surplus =
        at_most(group.CountLive() - group.Floor(min_instances, Now()));
    for (int i = 0; i < surplus; ++i) free[i].surplus = true;
  }
  return free;
}

bool InstancePool::HasRoom(
    const serverless::function::v1::Function& function) const {
  return Fits(Used(), options_.capacity, EnforcedMemory(function));
}

Capacity InstancePool::Used() const {
  Capacity used;
  for (const auto& [function_id, group] : groups_) {
    for (const auto& [id, member] : group.members) {
      if (!member->live()) continue;
      ++used.instances;
      used.memory += EnforcedMemory(member->instance->function());
    }
  }
  return used;
}

int InstancePool::EnforcedMemory(
    const serverless::function::v1::Function& function) const {
  const Runtime* runtime = deps_.runtimes.Find(function.runtime());
  return runtime == nullptr ? function.memory()
                            : runtime->EnforcedMemory(function.memory());
}

FunctionGroup& InstancePool::GroupOf(const std::string& function_id) {
  FunctionGroup& group = groups_[function_id];
  group.function_id = function_id;
  return group;
}

Member& InstancePool::MemberOf(const Instance& instance) {
  return *GroupOf(instance.function().id()).members.at(instance.id());
}

Member* InstancePool::FindMember(const std::string& instance_id) {
  const auto function = functions_of_.find(instance_id);
  if (function == functions_of_.end()) return nullptr;
  const auto& members = groups_.at(function->second).members;
  const auto member = members.find(instance_id);
  return member == members.end() ? nullptr : member->second.get();
}

}  // namespace so
