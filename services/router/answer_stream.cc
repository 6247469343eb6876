#include "services/router/answer_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace so {
namespace {

using serverless::pool::v1::Credit;
using serverless::pool::v1::ResponsePart;
using serverless::router::v1::ResponseHead;

constexpr size_t kMaxDataBytes = 64 << 10;
// A quarter of what a call has at first: a function whose bytes are read is
// never out of credit, and one that writes little costs few messages.
constexpr int32_t kGrantBytes = 64 << 10;

}  // namespace

AnswerStream::AnswerStream(std::unique_ptr<Client> client, Grant grant)
    : client_(std::move(client)), grant_(std::move(grant)) {}

void AnswerStream::OnPart(ResponsePart part) {
  {
    MutexLock lock(mu_);
    if (end_) return;
    dispatch_id_ = part.dispatch_id();
    instance_id_ = part.instance_id();
    if (part.has_head()) {
      head_seen_ = true;
      ResponseHead& head = *waiting_.emplace_back().mutable_head();
      head.set_status_code(part.head().status_code());
      head.mutable_headers()->swap(*part.mutable_head()->mutable_headers());
    } else {
      AddData(std::move(*part.mutable_data()));
    }
    if (gone_) Drop();
  }
  Advance();
}

// Small pieces join the one before them: a function that writes byte by byte
// must not make a message of each.
void AnswerStream::AddData(std::string data) {
  const bool front_is_busy = writing_ && waiting_.size() == 1;
  if (!waiting_.empty() && !front_is_busy && waiting_.back().has_data() &&
      waiting_.back().data().size() + data.size() <= kMaxDataBytes) {
    waiting_.back().mutable_data()->append(data);
  } else {
    waiting_.emplace_back().set_data(std::move(data));
  }
}

void AnswerStream::OnDone(absl::StatusOr<Receipt> outcome) {
  {
    MutexLock lock(mu_);
    end_ = outcome.status();
    if (outcome.ok()) {
      if (!head_seen_ && !outcome->has_error()) AddWhole(*outcome);
      outcome->clear_body();
      *waiting_.emplace_back().mutable_receipt() = *std::move(outcome);
    }
    if (gone_) Drop();
  }
  Advance();
}

void AnswerStream::AddWhole(Receipt& receipt) {
  ResponseHead& head = *waiting_.emplace_back().mutable_head();
  head.set_status_code(receipt.status_code());
  for (const auto& [name, value] : receipt.headers()) {
    if (!absl::EqualsIgnoreCase(name, "content-type")) {
      (*head.mutable_headers())[name] = value;
    }
  }
  // Whatever the function called its body, it is JSON by now.
  (*head.mutable_headers())["content-type"] = "application/json";
  const std::string& body = receipt.body();
  for (size_t at = 0; at < body.size(); at += kMaxDataBytes) {
    waiting_.emplace_back().set_data(body.substr(at, kMaxDataBytes));
  }
}

void AnswerStream::OnWritten(bool ok) {
  {
    MutexLock lock(mu_);
    writing_ = false;
    ungranted_ += static_cast<int32_t>(waiting_.front().data().size());
    waiting_.pop_front();
    if (!ok) gone_ = true;
    if (gone_) Drop();
  }
  Advance();
}

bool AnswerStream::OnClientGone() {
  bool running;
  {
    MutexLock lock(mu_);
    gone_ = true;
    running = !end_.has_value();
    Drop();
  }
  Advance();
  return running;
}

void AnswerStream::Drop() {
  // What is being written is still borrowed.
  while (waiting_.size() > (writing_ ? 1 : 0)) {
    ungranted_ += static_cast<int32_t>(waiting_.back().data().size());
    waiting_.pop_back();
  }
}

std::optional<Credit> AnswerStream::TakeCredit() {
  if (end_ || ungranted_ < kGrantBytes) return std::nullopt;
  Credit credit;
  credit.set_dispatch_id(dispatch_id_);
  credit.set_instance_id(instance_id_);
  credit.set_bytes(std::exchange(ungranted_, 0));
  return credit;
}

void AnswerStream::Advance() {
  std::optional<Credit> credit;
  const Message* next = nullptr;
  std::optional<absl::Status> end;
  {
    MutexLock lock(mu_);
    credit = TakeCredit();
    if (!writing_ && !waiting_.empty() && !gone_) {
      writing_ = true;
      next = &waiting_.front();
    } else if (!writing_ && end_ && !std::exchange(finished_, true)) {
      end = end_;
    }
  }
  if (credit) grant_(*std::move(credit));
  // A deque leaves its front where it is while more is added behind it.
  if (next != nullptr && !client_->Write(*next)) OnWritten(false);
  if (end) client_->Finish(*end);
}

}  // namespace so
