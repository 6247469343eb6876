#include "base/error.h"

#include "base/testing/status_matchers.h"

namespace so {
namespace {

TEST(ErrorTest, TravelsInsideAStatus) {
  Error error = MakeError("QUEUE_FULL", "hello has 100 calls waiting", "no");
  error.set_retryable(true);
  error.set_retry_after(1.5);
  const Error read =
      ErrorFromStatus(ErrorStatus(absl::StatusCode::kResourceExhausted, error));
  EXPECT_EQ(read.code(), "QUEUE_FULL");
  EXPECT_EQ(read.retry_after(), 1.5);
  EXPECT_TRUE(read.retryable());
}

TEST(ErrorTest, PlainStatusBecomesAnErrorWithoutInternalText) {
  EXPECT_EQ(ErrorFromStatus(absl::NotFoundError("no function x")).message(),
            "no function x");
  const Error internal =
      ErrorFromStatus(absl::InternalError("SELECT * FROM functions"));
  EXPECT_EQ(internal.code(), "INTERNAL");
  EXPECT_EQ(internal.message(), "internal error");
}

TEST(ErrorTest, InvalidArgumentNamesEveryField) {
  std::vector<FieldProblem> problems(2);
  problems[0].set_field("timeout");
  problems[0].set_problem("must be between 1 and 900000");
  problems[1].set_field("memory");
  const absl::Status status = InvalidArgument(problems);
  EXPECT_THAT(status, HasErrorCode("INVALID_ARGUMENT"));
  EXPECT_EQ(status.message(), "2 fields are wrong: timeout, memory");
  EXPECT_EQ(ErrorFromStatus(status).details_size(), 2);
}

}  // namespace
}  // namespace so
