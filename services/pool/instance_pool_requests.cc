// What routers, people and the scaler ask of the pool.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/pool/instance_pool.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

constexpr int kMaxCount = 1000;
constexpr int kMaxTargetTtl = 600000;
constexpr int kMaxIdleTimeout = 86400000;
constexpr size_t kMaxReasonBytes = 64;

pb::AttachResponse UpdateOf(const Member& member, int memory) {
  const Instance& instance = *member.instance;
  pb::AttachResponse message;
  pb::InstanceUpdate& update = *message.mutable_instance();
  update.set_instance_id(instance.id());
  update.set_function_id(instance.function().id());
  update.set_version(instance.function().version());
  update.set_state(instance.state());
  update.set_start_id(member.start_id);
  update.set_memory(memory);
  if (instance.state() == pb::INSTANCE_STATE_WARM) {
    update.set_start_ms(absl::ToDoubleMilliseconds(instance.start_duration()));
    update.set_init_ms(absl::ToDoubleMilliseconds(instance.init_duration()));
    update.set_concurrency(std::max(1, instance.function().concurrency()));
  }
  return message;
}

}  // namespace

RouterId InstancePool::Attach(RouterLink& link) {
  const RouterId id = ++last_router_;
  routers_[id] = &link;
  pb::AttachResponse hello;
  hello.mutable_hello()->set_pool_id(options_.pool_id);
  hello.mutable_hello()->set_max_instances(options_.capacity.instances);
  hello.mutable_hello()->set_memory_budget(options_.capacity.memory);
  link.Send(std::move(hello));
  for (const auto& [function_id, group] : groups_) {
    for (const auto& [instance_id, member] : group.members) {
      if (member->is(pb::INSTANCE_STATE_WARMING) ||
          member->is(pb::INSTANCE_STATE_WARM)) {
        link.Send(
            UpdateOf(*member, EnforcedMemory(member->instance->function())));
      }
    }
  }
  return id;
}

void InstancePool::Detach(RouterId router) {
  routers_.erase(router);
  events_.Forget(router);
  results_.Forget(router);
  for (auto& [function_id, group] : groups_) {
    for (const auto& [id, member] : group.members) {
      member->instance->ForgetRouter(router);
    }
  }
}

void InstancePool::SendTo(RouterId router, pb::AttachResponse message) {
  if (const auto it = routers_.find(router); it != routers_.end()) {
    it->second->Send(std::move(message));
  }
}

void InstancePool::Announce(const Member& member, RouterId except) {
  const int memory = EnforcedMemory(member.instance->function());
  for (const auto& [id, link] : routers_) {
    if (id != except) link->Send(UpdateOf(member, memory));
  }
}

void InstancePool::Reject(RouterId router, const pb::Dispatch& request,
                          absl::string_view reason) {
  pb::AttachResponse message;
  message.mutable_rejected()->set_request_id(request.request_id());
  message.mutable_rejected()->set_dispatch_id(request.dispatch_id());
  message.mutable_rejected()->set_instance_id(request.instance_id());
  message.mutable_rejected()->set_reason(std::string(reason));
  SendTo(router, std::move(message));
}

void InstancePool::Dispatch(RouterId router, pb::Dispatch request) {
  Member* member = FindMember(request.instance_id());
  if (draining_) return Reject(router, request, "draining");
  if (member == nullptr) return Reject(router, request, "unknown-instance");
  if (!member->instance->accepts()) {
    return Reject(router, request, "not-warm");
  }
  const size_t announced = std::max(0, request.event_bytes());
  if (std::max(announced, request.event().size()) > kMaxBodyBytes) {
    pb::AttachResponse message;
    pb::Result& result = *message.mutable_result();
    result.set_request_id(request.request_id());
    result.set_dispatch_id(request.dispatch_id());
    result.set_instance_id(request.instance_id());
    *result.mutable_error() =
        MakeError("PAYLOAD_TOO_LARGE", "the event is larger than 6 MiB", "no");
    result.set_instance_free(true);
    return SendTo(router, std::move(message));
  }
  if (announced > 0 && request.event().empty()) {
    // It need not be free any more when the event is complete.
    return events_.Begin(router, std::move(request));
  }
  if (announced > 0 && request.event().size() != announced) {
    return Reject(router, request, "bad-event");
  }
  const bool was_free = member->is(pb::INSTANCE_STATE_WARM);
  member->instance->Invoke(router, request);
  if (!was_free) return;
  Account(*member);
  Announce(*member, router);
}

void InstancePool::AddEventPart(RouterId router, const pb::EventPart& part) {
  if (auto complete = events_.Add(router, part); complete.has_value()) {
    Dispatch(router, *std::move(complete));
  }
}

void InstancePool::Cancel(RouterId router, const pb::Cancel& request) {
  if (const auto arriving = events_.Take(router, request.dispatch_id());
      arriving.has_value()) {
    return Reject(router, arriving->dispatch, "cancelled");
  }
  if (Member* member = FindMember(request.instance_id()); member != nullptr) {
    member->instance->Cancel(router, request.dispatch_id());
  }
}

void InstancePool::Grant(RouterId router, const pb::Credit& credit) {
  if (results_.Grant(router, credit)) return;
  if (Member* member = FindMember(credit.instance_id()); member != nullptr) {
    member->instance->Grant(router, credit);
  }
}

InstancePool::WarmId InstancePool::Warm(const pb::WarmRequest& request,
                                        WarmCall::OnDone done) {
  const int count = request.has_count() ? request.count() : 1;
  if (count < 1 || count > kMaxCount) {
    done(InvalidArgument("count", absl::StrCat("must be 1 to ", kMaxCount)));
    return 0;
  }
  const WarmId id = ++last_warm_;
  warm_calls_[id] = std::make_shared<WarmCall>(count, std::move(done));
  deps_.directory.Resolve(
      request.function(), [this, id](absl::StatusOr<FunctionPtr> function) {
        deps_.executor.Post([this, id, function = std::move(function)] {
          const auto it = warm_calls_.find(id);
          if (it == warm_calls_.end()) return;
          if (function.ok() && !draining_) {
            StartWarm(id, *function);
            return;
          }
          it->second->Fail(function.ok() ? absl::UnavailableError(
                                               "the pool is shutting down")
                                         : function.status());
          warm_calls_.erase(it);
        });
      });
  return id;
}

void InstancePool::StartWarm(WarmId id, const FunctionPtr& function) {
  const std::shared_ptr<WarmCall> call = warm_calls_.at(id);
  call->set_function_id(function->id());
  FunctionGroup& group = GroupOf(function->id());
  const int allowed =
      std::max(0, function->max_instances() - group.CountLive());
  const int wanted = std::min(call->requested(), allowed);
  InitBreaker& breaker = group.breakers[function->version()];
  if (wanted > 0 && !breaker.Allow(Now())) {
    call->Fail(StartFailureStatus(breaker.last_error()));
    warm_calls_.erase(id);
    return;
  }
  // Held while starting: an instance may fail at once.
  call->Expect();
  int started = 0;
  for (; started < wanted && !memory_low_ && HasRoom(*function); ++started) {
    AddMember(group, function,
              {.reason = StartReason::kWarmUp,
               .detail = absl::StrCat("asked for ", call->requested(),
                                      " warm instances"),
               .warm_call = call});
  }
  const Error no_room =
      MakeError("NO_CAPACITY",
                memory_low_ ? "this node is short of memory"
                            : "this node has no room for another instance",
                "no");
  if (started == 0 && wanted > 0) {
    call->Fail(StartFailureStatus(no_room));
  }
  if (call->Release()) WarmSettled(call);
}

void InstancePool::WarmSettled(const std::shared_ptr<WarmCall>& call) {
  const auto group = groups_.find(call->function_id());
  if (group == groups_.end()) {
    call->Finish(0, 0);
  } else {
    call->Finish(group->second.CountLive(),
                 group->second.Count(pb::INSTANCE_STATE_WARM));
  }
  std::erase_if(warm_calls_,
                [&](const auto& entry) { return entry.second == call; });
  ForgetIfEmpty(call->function_id());
}

void InstancePool::CancelWarm(WarmId id) {
  const auto it = warm_calls_.find(id);
  if (it == warm_calls_.end()) return;
  it->second->Fail(absl::CancelledError("the caller is gone"));
  warm_calls_.erase(it);
}

absl::StatusOr<pb::SetTargetResponse> InstancePool::SetTarget(
    const pb::SetTargetRequest& request) {
  std::vector<FieldProblem> problems;
  const auto check = [&](const char* field, int value, int low, int high) {
    if (value >= low && value <= high) return;
    problems.emplace_back();
    problems.back().set_field(field);
    problems.back().set_problem(absl::StrCat("must be ", low, " to ", high));
  };
  check("desired", request.desired(), 0, kMaxCount);
  check("ttl", request.ttl(), 1, kMaxTargetTtl);
  check("idle_timeout", request.idle_timeout(), 0, kMaxIdleTimeout);
  if (request.reason().size() > kMaxReasonBytes) {
    problems.emplace_back();
    problems.back().set_field("reason");
    problems.back().set_problem(
        absl::StrCat("must have at most ", kMaxReasonBytes, " bytes"));
  }
  if (!problems.empty()) return InvalidArgument(problems);
  if (draining_) return absl::UnavailableError("the pool is shutting down");
  const FunctionPtr function = deps_.directory.Find(request.function_id());
  if (function == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no function ", request.function_id()));
  }
  FunctionGroup& group = GroupOf(request.function_id());
  group.target = request.desired();
  group.target_reason = request.reason();
  group.target_idle_timeout = absl::Milliseconds(request.idle_timeout());
  group.target_until = Now() + absl::Milliseconds(request.ttl());
  const int64_t before = group.started;
  EnsureFloor(group);
  CheckIdle(group);
  pb::SetTargetResponse response;
  response.set_starting(static_cast<int32_t>(group.started - before));
  response.set_total(group.CountLive());
  return response;
}

void InstancePool::ListInstances(
    const std::string& function,
    absl::AnyInvocable<void(absl::StatusOr<pb::ListInstancesResponse>)> done) {
  deps_.directory.Resolve(
      function, [this, done = std::move(done)](
                    absl::StatusOr<FunctionPtr> resolved) mutable {
        deps_.executor.Post([this, done = std::move(done),
                             resolved = std::move(resolved)]() mutable {
          if (resolved.ok()) {
            done(Describe((*resolved)->id()));
          } else {
            done(resolved.status());
          }
        });
      });
}

pb::ListInstancesResponse InstancePool::Describe(
    const std::string& function_id) const {
  pb::ListInstancesResponse response;
  response.set_function_id(function_id);
  const auto group = groups_.find(function_id);
  if (group == groups_.end()) return response;
  for (const auto& [id, member] : group->second.members) {
    pb::Instance& instance = *response.add_instances();
    instance.set_id(id);
    instance.set_function_id(function_id);
    instance.set_version(member->instance->function().version());
    instance.set_state(std::string(StateName(member->state())));
    instance.set_age(absl::ToDoubleMilliseconds(member->instance->age()));
    instance.set_idle(absl::ToDoubleMilliseconds(member->instance->idle()));
    instance.set_invocations(member->instance->invocations());
    instance.set_memory(member->instance->memory());
    instance.set_reason(std::string(ReasonName(member->reason)));
  }
  return response;
}

pb::GetMetricsResponse InstancePool::GetMetrics() const {
  pb::GetMetricsResponse response;
  std::map<std::string, FunctionPtr> known;
  for (FunctionPtr& function : deps_.directory.List()) {
    const std::string id = function->id();
    known.emplace(id, std::move(function));
  }
  for (const auto& [id, group] : groups_) {
    if (!group.members.empty()) known.try_emplace(id, nullptr);
  }
  const FunctionGroup none;
  for (const auto& [id, function] : known) {
    const auto it = groups_.find(id);
    const FunctionGroup& group = it == groups_.end() ? none : it->second;
    pb::FunctionMetrics& metrics = *response.add_metrics();
    metrics.set_function_id(id);
    metrics.set_function_name(
        function ? function->name()
                 : group.members.begin()->second->instance->function().name());
    if (function != nullptr)
      metrics.set_max_instances(function->max_instances());
    metrics.set_total(static_cast<int32_t>(group.members.size()));
    metrics.set_warm(group.Count(pb::INSTANCE_STATE_WARM));
    metrics.set_busy(group.Count(pb::INSTANCE_STATE_BUSY));
    metrics.set_warming(group.Count(pb::INSTANCE_STATE_WARMING) +
                        group.Count(pb::INSTANCE_STATE_COLD));
    metrics.set_terminating(group.Count(pb::INSTANCE_STATE_TERMINATING));
    metrics.set_started(static_cast<double>(group.started));
    metrics.set_failed_starts(static_cast<double>(group.failed_starts));
    metrics.set_expired(static_cast<double>(group.expired));
    const MemoryTime memory_time = MemoryTimeOf(group);
    metrics.set_idle_gb_seconds(memory_time.idle_gb_seconds());
    metrics.set_busy_gb_seconds(memory_time.busy_gb_seconds());
  }
  const Capacity used = Used();
  response.set_total_instances(used.instances);
  response.set_max_instances(options_.capacity.instances);
  response.set_memory_committed(used.memory);
  response.set_memory_budget(options_.capacity.memory);
  return response;
}

}  // namespace so
