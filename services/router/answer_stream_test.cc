#include "services/router/answer_stream.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

using serverless::pool::v1::Credit;
using serverless::pool::v1::ResponsePart;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// What has reached the client. A write ends when the test says so.
struct Seen {
  std::vector<std::string> messages;
  bool gone = false;
};

class FakeClient final : public AnswerStream::Client {
 public:
  explicit FakeClient(Seen& seen) : seen_(seen) {}
  bool Write(const AnswerStream::Message& message) override {
    if (seen_.gone) return false;
    seen_.messages.push_back(Describe(message));
    return true;
  }
  void Finish(const absl::Status& status) override {
    seen_.messages.push_back(absl::StrCat("end: ", status.message()));
  }

 private:
  static std::string Describe(const AnswerStream::Message& message) {
    if (message.has_head()) {
      std::string text = absl::StrCat("head ", message.head().status_code());
      // The map's own order is a different one each time.
      const std::map<std::string, std::string> headers(
          message.head().headers().begin(), message.head().headers().end());
      for (const auto& [name, value] : headers) {
        absl::StrAppend(&text, " ", name, "=", value);
      }
      return text;
    }
    if (message.has_data()) return message.data();
    return absl::StrCat("receipt ", message.receipt().error().code(),
                        message.receipt().body());
  }

  Seen& seen_;
};

class AnswerStreamTest : public testing::Test {
 protected:
  void Head(int status) {
    ResponsePart part = Part();
    part.mutable_head()->set_status_code(status);
    stream_.OnPart(part);
  }
  void Data(const std::string& data) {
    ResponsePart part = Part();
    part.set_data(data);
    stream_.OnPart(part);
  }
  void Done(const std::string& body = "", const std::string& error = "") {
    Receipt receipt;
    receipt.set_status_code(201);
    receipt.set_body(body);
    (*receipt.mutable_headers())["Content-Type"] = "text/html";
    (*receipt.mutable_headers())["a"] = "b";
    if (!error.empty()) receipt.mutable_error()->set_code(error);
    stream_.OnDone(receipt);
  }
  // As many writes end as the client will have begun by then.
  void Written(int count) {
    for (int i = 0; i < count; ++i) stream_.OnWritten(true);
  }

  std::vector<std::string>& messages() { return seen_.messages; }

  Seen seen_;
  std::vector<int> credits_;
  AnswerStream stream_{std::make_unique<FakeClient>(seen_),
                       [this](Credit credit) {
                         EXPECT_EQ(credit.dispatch_id(), 7u);
                         EXPECT_EQ(credit.instance_id(), "inst-1");
                         credits_.push_back(credit.bytes());
                       }};

 private:
  static ResponsePart Part() {
    ResponsePart part;
    part.set_dispatch_id(7);
    part.set_instance_id("inst-1");
    return part;
  }
};

TEST_F(AnswerStreamTest, PassesOnOneMessageAtATime) {
  Head(200);
  Data("a");
  Done();
  EXPECT_THAT(messages(), ElementsAre("head 200"));
  Written(1);
  EXPECT_THAT(messages(), ElementsAre("head 200", "a"));
  Written(2);
  EXPECT_THAT(messages(), ElementsAre("head 200", "a", "receipt ", "end: "));
}

TEST_F(AnswerStreamTest, SmallPiecesThatWaitBecomeOne) {
  Head(200);
  Data("a");
  Data("b");
  Written(1);
  Data("c");  // "ab" is being written.
  Data("d");
  Data(std::string(65535, 'x'));
  Written(2);
  EXPECT_THAT(messages(),
              ElementsAre("head 200", "ab", "cd", std::string(65535, 'x')));
}

TEST_F(AnswerStreamTest, GrantsWhatHasBeenWritten) {
  Head(200);
  for (int i = 0; i < 3; ++i) Data(std::string(60000, 'x'));
  Written(2);
  EXPECT_THAT(credits_, IsEmpty());
  Written(1);
  EXPECT_THAT(credits_, ElementsAre(120000));
  Written(1);
  Data(std::string(5536, 'x'));
  Written(1);
  EXPECT_THAT(credits_, ElementsAre(120000, 65536));
}

TEST_F(AnswerStreamTest, GrantsNothingOnceTheCallHasEnded) {
  Head(200);
  for (int i = 0; i < 4; ++i) Data(std::string(65536, 'x'));
  Done();
  Written(6);
  EXPECT_THAT(messages(), SizeIs(7));
  EXPECT_THAT(credits_, IsEmpty());
}

TEST_F(AnswerStreamTest, WhatWasReturnedWholeIsCutIntoPieces) {
  Done(absl::StrCat(std::string(65536, 'x'), "y"));
  Written(4);
  EXPECT_THAT(messages(),
              ElementsAre("head 201 a=b content-type=application/json",
                          std::string(65536, 'x'), "y", "receipt ", "end: "));
}

TEST_F(AnswerStreamTest, FailureBeforeTheFirstByteIsAReceiptAlone) {
  Done("", "FUNCTION_ERROR");
  Written(1);
  EXPECT_THAT(messages(), ElementsAre("receipt FUNCTION_ERROR", "end: "));
}

TEST_F(AnswerStreamTest, FailureAfterItFollowsTheData) {
  Head(200);
  Data("a");
  Done("", "FUNCTION_TIMEOUT");
  Written(3);
  EXPECT_THAT(messages(), ElementsAre("head 200", "a",
                                      "receipt FUNCTION_TIMEOUT", "end: "));
}

TEST_F(AnswerStreamTest, WhatNeverRanIsAStatus) {
  stream_.OnDone(absl::UnavailableError("no pool"));
  EXPECT_THAT(messages(), ElementsAre("end: no pool"));
}

TEST_F(AnswerStreamTest, FunctionGoesOnForNobodyWhenTheClientHasGone) {
  Head(200);
  Data(std::string(65536, 'x'));
  Data(std::string(65536, 'y'));
  Written(1);
  seen_.gone = true;
  EXPECT_TRUE(stream_.OnClientGone());
  EXPECT_THAT(credits_, ElementsAre(65536));  // One is being written.
  stream_.OnWritten(false);
  EXPECT_THAT(credits_, ElementsAre(65536, 65536));
  Data(std::string(65536, 'z'));
  EXPECT_THAT(credits_, ElementsAre(65536, 65536, 65536));
  Done();
  EXPECT_FALSE(stream_.OnClientGone());
  EXPECT_THAT(messages(),
              ElementsAre("head 200", std::string(65536, 'x'), "end: "));
}

TEST_F(AnswerStreamTest, LearnsFromAWriteThatTheClientHasGone) {
  seen_.gone = true;
  Head(200);
  Data(std::string(65536, 'x'));
  EXPECT_THAT(credits_, ElementsAre(65536));
  EXPECT_THAT(messages(), IsEmpty());
}

}  // namespace
}  // namespace so
