// Who gets the room of a node that is full.
#include <algorithm>
#include <utility>

#include "services/router/dispatcher.h"

namespace so {
namespace {

constexpr absl::Duration kFirstOfferPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestOfferPause = absl::Seconds(1);

// Another version of the same function is added to a claim.
void Merge(const Claim& other, Claim& claim) {
  claim.unit = std::max(claim.unit, other.unit);
  claim.instances += other.instances;
  claim.wanted += other.wanted;
  claim.reserved = std::max(claim.reserved, other.reserved);
  claim.contends |= other.contends;
  claim.waited = std::max(claim.waited, other.waited);
  claim.held_for = std::max(claim.held_for, other.held_for);
}

}  // namespace

void Dispatcher::Contend(FunctionQueue& queue) {
  queue.contends = true;
  if (offer_scheduled_) return;
  offer_pause_ = absl::ZeroDuration();
  ScheduleOffer();
}

void Dispatcher::ScheduleOffer() {
  offer_pause_ =
      std::clamp(offer_pause_ * 2, kFirstOfferPause, kLongestOfferPause);
  offer_scheduled_ = true;
  timers_.Schedule(offer_pause_, [this] { OnOfferTimer(); });
}

void Dispatcher::OnOfferTimer() {
  Effects effects;
  {
    MutexLock lock(mu_);
    offer_scheduled_ = false;
    const Contest contest = Survey();
    if (std::any_of(contest.claims.begin(), contest.claims.end(),
                    [](const Claim& claim) { return claim.contends; })) {
      ScheduleOffer();
      // Whatever idles by now makes room.
      OfferRoom(effects);
      ShareNode(effects);
    }
  }
  Apply(std::move(effects));
}

void Dispatcher::OfferRoom(Effects& effects) {
  if (!Contended() || !connected_) return;
  const Contest contest = Survey();
  for (const size_t i : contest.rules.Order(contest.claims)) {
    const auto asks = contest.functions[i].asks;
    if (!asks->second.pending_starts.empty()) continue;
    AskForStart(asks->first, asks->second, "", effects);
    return;
  }
}

void Dispatcher::ShareNode(Effects& effects) {
  while (Contended() && connected_) {
    const Contest contest = Survey();
    const auto transfer = contest.rules.Next(contest.claims);
    if (!transfer) return;
    const std::string instance_id =
        GiveUpInstance(contest.functions[transfer->giver].function_id);
    if (instance_id.empty()) return;  // It gives when one of its calls ends.
    const auto asks = contest.functions[transfer->taker].asks;
    AskForStart(asks->first, asks->second, instance_id, effects);
  }
}

bool Dispatcher::OthersContend(const std::string& function_id) const {
  return Contended() &&
         std::any_of(queues_.begin(), queues_.end(), [&](const auto& entry) {
           return entry.second.contends && entry.first.first != function_id;
         });
}

Dispatcher::Contest Dispatcher::Survey() {
  Contest contest;
  contest.rules = {.capacity = static_cast<double>(node_memory_),
                   .turn = options_.fair_turn};
  for (auto it = queues_.begin(); it != queues_.end(); ++it) {
    const auto& [key, queue] = *it;
    if (it->second.StartsWanted() == 0) it->second.contends = false;
    const Claim claim = ClaimOf(queue);
    // Versions of one function stand together.
    if (contest.functions.empty() ||
        contest.functions.back().function_id != key.first) {
      contest.functions.push_back({key.first, queues_.end()});
      contest.claims.push_back(claim);
    } else {
      Merge(claim, contest.claims.back());
    }
    Contender& function = contest.functions.back();
    if (queue.contends && function.asks == queues_.end()) function.asks = it;
    if (queue.function != nullptr) {
      Claim& all = contest.claims.back();
      all.wanted = std::min(all.wanted, queue.function->max_instances());
    }
  }
  return contest;
}

Claim Dispatcher::ClaimOf(const FunctionQueue& queue) const {
  const absl::Time now = clock_.Now();
  Claim claim;
  if (queue.instance_memory > 0) {
    claim.unit = queue.instance_memory;
  } else if (queue.function != nullptr) {
    claim.unit = std::max(1, queue.function->memory());
  }
  // The number of instances is bounded too: each takes a part of that.
  if (node_instances_ > 0) {
    claim.unit = std::max(claim.unit, node_memory_ / node_instances_);
  }
  claim.instances = queue.held();
  claim.wanted = queue.InstancesFor(queue.running +
                                    static_cast<int>(queue.waiting.size()));
  // Of a function that nobody has called here only the pool knows how many
  // instances it is to keep.
  claim.reserved = queue.function == nullptr ? claim.instances
                                             : queue.function->min_instances();
  claim.contends = queue.contends;
  if (!queue.waiting.empty()) {
    // How old the call is says nothing: in long queues all are old.
    claim.waited =
        now - std::max(queue.waiting.front()->enqueued, queue.released);
  }
  if (claim.instances > 0) claim.held_for = now - queue.held_since;
  return claim;
}

std::string Dispatcher::UnusedInstance(const FunctionQueue& queue) {
  for (const std::string& instance_id : queue.idle) {
    if (instances_[instance_id].running == 0) return instance_id;
  }
  return "";
}

std::string Dispatcher::GiveUpInstance(const std::string& function_id) {
  for (auto it = queues_.lower_bound({function_id, 0});
       it != queues_.end() && it->first.first == function_id; ++it) {
    std::string instance_id = UnusedInstance(it->second);
    if (instance_id.empty()) continue;
    const QueueKey key = it->first;
    log_.Debug("instance gives way",
               {{"instance_id", instance_id}, {"function_id", function_id}});
    ForgetInstance(instance_id);
    EraseIfUnused(key);
    return instance_id;
  }
  return "";
}

}  // namespace so
