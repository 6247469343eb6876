#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace so::init {

// A header may hold 1 MiB: clients send their X-Ray causes in one.
inline constexpr size_t kMaxHttpHeadBytes = (1 << 20) + (64 << 10);
inline constexpr size_t kMaxHttpHeaders = 128;
// What is kept of a body: a result with its envelope. The rest is counted and
// dropped, so that its sender can be told.
inline constexpr size_t kMaxHttpBodyBytes = (6 << 20) + (64 << 10);

struct HttpRequest {
  std::string method;
  std::string target;
  // Names in lower case. Trailers are among them.
  std::vector<std::pair<std::string, std::string>> headers;
  // At most kMaxHttpBodyBytes of the body_bytes that were sent.
  std::string body;
  uint64_t body_bytes = 0;
  bool keep_alive = true;

  // `name` in lower case. Empty when there is none; the last one wins.
  std::string_view Header(std::string_view name) const;
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
// Everything up to the body, which is JSON.
std::string EncodeReplyHead(const HttpReply& reply, bool keep_alive);

// Cuts the bytes of one connection into requests (HTTP/1.1 and 1.0), within the
// limits above. What it reads is written by user code.
class HttpParser {
 public:
  enum class Status {
    kRequest,
    kNeedMore,
    // The client waits for "100 Continue" before it sends the body; told once.
    kContinue,
    // Not HTTP, or beyond the limits: reply with bad_status() and close.
    kBad,
  };

  void Feed(std::string_view bytes) { buffer_.append(bytes); }
  // To be called until it answers kNeedMore or kBad, after every Feed.
  Status Next(HttpRequest& request);
  int bad_status() const { return bad_status_; }

 private:
  enum class Part { kStart, kHead, kBody, kSize, kChunk, kChunkEnd, kTrailer };

  Status Fail(int status);
  // One step, for the part it is in; kNeedMore when it cannot go on, kRequest
  // at the end, kContinue to be called again.
  Status Step();
  Status OnLine(std::string_view line);
  bool OnStartLine(std::string_view line);
  bool OnHeader(std::string_view line);
  Status OnHeadEnd();
  bool OnChunkSize(std::string_view line);
  // Moves what there is of the body, up to remaining_, out of the buffer.
  void TakeBody();

  std::string buffer_;
  size_t used_ = 0;  // Bytes of buffer_ that are done with.
  Part part_ = Part::kStart;
  size_t head_bytes_ = 0;
  uint64_t remaining_ = 0;
  bool waits_for_continue_ = false;
  HttpRequest request_;
  int bad_status_ = 0;
};

}  // namespace so::init
