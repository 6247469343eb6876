#include "sandbox/init/http_message.h"

#include <algorithm>
#include <cctype>

namespace so::init {
namespace {

constexpr size_t kMaxSizeLineBytes = 256;
// Far beyond what anybody can send, far from overflowing.
constexpr uint64_t kMaxCountedBytes = uint64_t{1} << 48;

bool IsTokenChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return lower;
}

std::string_view Trim(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// Digits of `base` only, within kMaxCountedBytes.
bool ParseCount(std::string_view text, unsigned base, uint64_t& count) {
  if (text.empty()) return false;
  count = 0;
  for (const char c : text) {
    unsigned digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10;
    if (digit >= base) return false;
    count = count * base + digit;
    if (count > kMaxCountedBytes) return false;
  }
  return true;
}

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Error";
  }
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return {};
}

std::string EncodeReplyHead(const HttpReply& reply, bool keep_alive) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  head.append(Reason(reply.status));
  head += "\r\nContent-Type: application/json\r\nContent-Length: " +
          std::to_string(reply.body.size()) + "\r\n";
  for (const auto& [name, value] : reply.headers) {
    head += name + ": " + value + "\r\n";
  }
  if (!keep_alive) head += "Connection: close\r\n";
  return head + "\r\n";
}

HttpParser::Status HttpParser::Next(HttpRequest& request) {
  Status status = Status::kContinue;
  while (bad_status_ == 0 && (status = Step()) == Status::kContinue) {
    if (waits_for_continue_) {
      waits_for_continue_ = false;
      return Status::kContinue;
    }
  }
  if (bad_status_ != 0) return Status::kBad;
  buffer_.erase(0, used_);
  used_ = 0;
  // Idle connections should not hold what a large request needed.
  if (buffer_.empty()) std::string().swap(buffer_);
  if (status == Status::kRequest) {
    request = std::move(request_);
    request_ = HttpRequest();
    part_ = Part::kStart;
    head_bytes_ = 0;
  }
  return status;
}

HttpParser::Status HttpParser::Fail(int status) {
  bad_status_ = status;
  return Status::kBad;
}

HttpParser::Status HttpParser::Step() {
  if (part_ == Part::kBody || part_ == Part::kChunk) {
    TakeBody();
    if (remaining_ > 0) return Status::kNeedMore;
    if (part_ == Part::kBody) return Status::kRequest;
    part_ = Part::kChunkEnd;
  }
  const size_t end = buffer_.find('\n', used_);
  const size_t bytes = (end == buffer_.npos ? buffer_.size() : end + 1) - used_;
  const bool in_body = part_ == Part::kSize || part_ == Part::kChunkEnd;
  if (in_body ? bytes > kMaxSizeLineBytes
              : head_bytes_ + bytes > kMaxHttpHeadBytes) {
    return Fail(431);
  }
  if (end == buffer_.npos) return Status::kNeedMore;
  if (!in_body) head_bytes_ += bytes;
  std::string_view line = std::string_view(buffer_).substr(used_, bytes - 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  used_ += bytes;
  return OnLine(line);
}

HttpParser::Status HttpParser::OnLine(std::string_view line) {
  switch (part_) {
    case Part::kStart:
      // Some clients send an empty line after a body.
      if (line.empty()) return Status::kContinue;
      if (!OnStartLine(line)) return Fail(400);
      part_ = Part::kHead;
      return Status::kContinue;
    case Part::kHead:
      if (line.empty()) return OnHeadEnd();
      return OnHeader(line) ? Status::kContinue : Fail(400);
    case Part::kSize:
      return OnChunkSize(line) ? Status::kContinue : Fail(400);
    case Part::kChunkEnd:
      if (!line.empty()) return Fail(400);
      part_ = Part::kSize;
      return Status::kContinue;
    default:  // kTrailer
      if (line.empty()) return Status::kRequest;
      return OnHeader(line) ? Status::kContinue : Fail(400);
  }
}

bool HttpParser::OnStartLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return false;
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  request_.keep_alive = version == "HTTP/1.1";
  request_.method = line.substr(0, first);
  request_.target = line.substr(first + 1, last - first - 1);
  return std::all_of(request_.method.begin(), request_.method.end(),
                     IsTokenChar) &&
         !request_.method.empty();
}

bool HttpParser::OnHeader(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == line.npos || colon == 0 ||
      request_.headers.size() == kMaxHttpHeaders) {
    return false;
  }
  const std::string_view name = line.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), IsTokenChar)) return false;
  request_.headers.emplace_back(Lower(name),
                                std::string(Trim(line.substr(colon + 1))));
  return true;
}

HttpParser::Status HttpParser::OnHeadEnd() {
  const std::string connection = Lower(request_.Header("connection"));
  if (connection == "close") request_.keep_alive = false;
  if (connection == "keep-alive") request_.keep_alive = true;
  const std::string encoding = Lower(request_.Header("transfer-encoding"));
  const std::string_view length = request_.Header("content-length");
  if (!encoding.empty()) {
    if (encoding != "chunked" || !length.empty()) return Fail(400);
    part_ = Part::kSize;
  } else {
    if (!length.empty() && !ParseCount(length, 10, remaining_)) {
      return Fail(400);
    }
    request_.body_bytes = remaining_;
    request_.body.reserve(std::min<uint64_t>(
        {remaining_, kMaxHttpBodyBytes, buffer_.size() + (64 << 10)}));
    part_ = Part::kBody;
  }
  waits_for_continue_ = Lower(request_.Header("expect")) == "100-continue";
  return Status::kContinue;
}

bool HttpParser::OnChunkSize(std::string_view line) {
  if (!ParseCount(Trim(line.substr(0, line.find(';'))), 16, remaining_)) {
    return false;
  }
  request_.body_bytes += remaining_;
  part_ = remaining_ == 0 ? Part::kTrailer : Part::kChunk;
  return request_.body_bytes <= kMaxCountedBytes;
}

void HttpParser::TakeBody() {
  const size_t taken = std::min<uint64_t>(remaining_, buffer_.size() - used_);
  request_.body.append(
      buffer_, used_,
      std::min(taken, kMaxHttpBodyBytes - request_.body.size()));
  used_ += taken;
  remaining_ -= taken;
}

}  // namespace so::init
